"""The report of a run: one HTML file that needs nothing else, with all text escaped and no scripts."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kb_server.evaluation.metrics import RiskCoverage
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.run_folder import REPORT, RunFolder
from kb_server.evaluation.scoring import curve_of, is_correct

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#010203"  # stands for the page's own text colour, which the picture cannot know

_ACCENT, _SOFT = "#2a78d6", "#86b6ef"

_SIZE = (4.6, 3.0)  # inches


def recall_plot(recall: Mapping[int, float]) -> str:
    """Draw recall by the number of documents looked at."""
    figure, axes = _blank("documents looked at (k)", "recall@k")
    axes.plot(list(recall), list(recall.values()), color=_ACCENT, marker="o", markersize=5, linewidth=2)
    for k, value in recall.items():
        axes.annotate(f"{value:.3f}", (k, value), (0, 7), textcoords="offset points", ha="center", color=_INK)
    axes.set_xticks(list(recall))
    lowest = min(recall.values())
    bottom = max(0.0, lowest - 0.25 * (1.05 - lowest))
    axes.set_ylim(bottom, 1 + 0.2 * (1 - bottom))
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 1])
    axes.set_xlim(0, max(recall) + 1)
    return _svg(figure, "recall")


def risk_plot(curve: RiskCoverage, operating: float) -> str:
    """Draw risk by coverage, and where the run answered (`operating` is its share of questions answered)."""
    figure, axes = _blank("share of questions answered", "share answered wrongly")
    axes.plot(curve.coverage, curve.risk, color=_ACCENT, linewidth=2)
    axes.fill_between(curve.coverage, curve.risk, color=_ACCENT, alpha=0.15, linewidth=0)
    axes.axvline(operating, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "this run", (operating, 0.97), (-5, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="right", va="top", color=_INK,
    )  # fmt: skip
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, max(float(curve.risk.max()) * 1.15, 0.05))
    return _svg(figure, "risk")


def latency_plot(stages: Mapping[str, Sequence[float]]) -> str:
    """Draw for each stage how its times spread: the middle half as a bar, the median, and the 5% to 95% range."""
    import numpy as np

    figure, axes = _blank("milliseconds", "")
    for row, times in enumerate(stages.values()):
        p5, p25, p50, p75, p95 = np.percentile(times, [5, 25, 50, 75, 95])
        axes.plot([p5, p95], [row, row], color=_SOFT, linewidth=3, solid_capstyle="round")
        axes.plot([p25, p75], [row, row], color=_ACCENT, linewidth=11, solid_capstyle="butt")
        axes.plot([p50, p50], [row - 0.22, row + 0.22], color=_INK, linewidth=2)
    axes.set_yticks(range(len(stages)), list(stages))
    axes.set_ylim(len(stages) - 0.4, -0.6)
    axes.set_xlim(left=0)
    return _svg(figure, "latency")


def _blank(across: str, up: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.grid(color=_INK, alpha=0.12, linewidth=1)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(_INK)
        spine.set_alpha(0.4)
    return figure, axes


def _svg(figure: "Figure", name: str) -> str:
    """Return the drawing as an element for a page; ids carry its name, so that several can stand on one page."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r'<metadata>.*?</metadata>|font-family: [^;"]*;?|(?<=font: \d\dpx)[^;"]*', "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1)


_WORST = 20

_TEMPLATE = "report.html.j2"

# What each metric is called in both languages, in the order of the report's tables.
TITLES = {
    "recall@1": "第 1 篇即命中",
    "recall@3": "前 3 篇召回率",
    "recall@5": "前 5 篇召回率",
    "recall@10": "前 10 篇召回率",
    "mrr@10": "平均倒数排名",
    "ndcg@10": "归一化折损累计增益",
    "map": "平均准确率均值",
    "contains": "含标准答案",
    "exact_match": "完全一致",
    "f1": "词元 F1",
    "rouge_l": "最长公共子序列",
    "bleu": "BLEU",
    "citation_precision": "引用准确率",
    "citation_recall": "引用覆盖率",
    "faithfulness": "忠实度",
    "faithfulness_judged": "忠实度（模型评判）",
    "refusal_recall": "无答案时拒答",
    "false_refusal": "误拒答",
    "aurc": "风险–覆盖曲线下面积",
    "ece": "期望校准误差",
    "refusal_recall@5%": "误拒 5% 时的拒答率",
}


def write_report(folder: RunFolder, outcomes: Sequence[Outcome], summary: Mapping[str, Any]) -> None:
    """Write report.html of scored outcomes."""
    folder.write(REPORT, render(outcomes, summary))


def render(outcomes: Sequence[Outcome], summary: Mapping[str, Any]) -> str:
    """Return the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kb_server.evaluation", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(_TEMPLATE).render(
        summary=summary,
        titles=TITLES,
        plots=_plots(outcomes, summary),
        worst=worst_cases(outcomes),
        settings=json.dumps(
            {key: summary[key] for key in ("version", "knowledge_base", "mode", "judge", "settings")},
            ensure_ascii=False,
            indent=2,
        ),
    )


def worst_cases(outcomes: Sequence[Outcome]) -> list[tuple[str, str, Outcome]]:
    """Return what went wrong most, as (English, Chinese, outcome): the surest wrong answers before the least sure."""
    wrong = [(label, outcome) for outcome in outcomes if (label := failure_of(outcome)) is not None]
    wrong.sort(key=lambda pair: -pair[1].confidence)
    return [(*label, outcome) for label, outcome in wrong[:_WORST]]


def failure_of(outcome: Outcome) -> tuple[str, str] | None:
    """Say what is wrong with an outcome, if anything is."""
    if not outcome.case.answerable:
        return None if outcome.refused else ("answered, but the documents do not say", "文档中没有答案却作答")
    if outcome.refused:
        return "refused, but there is an answer", "有答案却拒答"
    if outcome.metrics.get("recall@10") == 0.0:
        return "the document was not found", "未检索到文档"
    if "contains" in outcome.metrics and not is_correct(outcome):
        return "the answer does not hold an accepted one", "未含标准答案"
    return None


def _plots(outcomes: Sequence[Outcome], summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the pictures for which there are numbers."""
    found: dict[str, str] = {}
    recall = {k: summary["retrieval"][f"recall@{k}"] for k in (1, 3, 5, 10)}
    if None not in recall.values():
        found["recall"] = recall_plot(recall)
    curve = curve_of(outcomes)
    if curve:
        found["risk"] = risk_plot(curve, sum(not outcome.refused for outcome in outcomes) / len(outcomes))
    names = summary["latency_ms"]["stages"]
    if names:
        found["latency"] = latency_plot({name: _times(outcomes, name) for name in names})
    return found


def _times(outcomes: Sequence[Outcome], stage: str) -> list[float]:
    return [outcome.timings_ms[stage] for outcome in outcomes if stage in outcome.timings_ms]
