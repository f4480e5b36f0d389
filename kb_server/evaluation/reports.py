"""The report of a run: one HTML file that needs nothing else, with all text escaped and no scripts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.plots import latency_plot, recall_plot, risk_plot
from kb_server.evaluation.run_folder import REPORT, RunFolder
from kb_server.evaluation.scoring import curve_of, is_correct

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
        found["latency"] = latency_plot(
            {name: [item.timings_ms[name] for item in outcomes if name in item.timings_ms] for name in names}
        )
    return found
