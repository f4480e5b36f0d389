"""Plots of a run. Each says in words what it shows, for those who can't see it."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from webui.client.evaluations import Difference
from webui.pages.evaluation import words
from webui.shell.phrases import Say

_RANKS = (1, 3, 5, 10)
_HEIGHT = 220
_BARS = "#8b93a7"  # seen on light and dark


def recall_plot(say: Say, summary: Mapping[str, Any]) -> None:
    """Draw recall by k with its interval."""
    retrieval, intervals = summary["retrieval"], summary["intervals"]
    rows = [
        {"k": k, "recall": retrieval[f"recall@{k}"], "low": low, "high": high}
        for k in _RANKS
        if retrieval.get(f"recall@{k}") is not None
        for low, high in [intervals.get(f"recall@{k}", (retrieval[f"recall@{k}"],) * 2)]
    ]
    if not rows:
        return
    chart = alt.Chart({"values": rows}).encode(x=alt.X("k:O", title="k", axis=alt.Axis(labelAngle=0)))
    line = chart.mark_line(point=True).encode(y=_share("recall", say(words.RECALL)), tooltip=["k:O", "recall:Q"])
    band = chart.mark_errorbar(color=_BARS).encode(y=_share("low", say(words.RECALL)), y2="high:Q")
    _draw(say(words.RECALL_PLOT), band + line, "; ".join(f"k={row['k']}: {row['recall']:.0%}" for row in rows))


def risk_plot(say: Say, coverage: Sequence[float], risk: Sequence[float]) -> None:
    """Draw the share of wrong answers against the share that is answered."""
    if not coverage:
        return
    rows = [{"coverage": x, "risk": y} for x, y in zip(coverage, risk, strict=True)]
    chart = (
        alt.Chart({"values": rows})
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("coverage:Q", title=say(words.COVERAGE), axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=_share("risk", say(words.RISK)),
            tooltip=["coverage:Q", "risk:Q"],
        )
    )
    _draw(say(words.RISK_PLOT), chart, f"{risk[-1]:.0%} / {coverage[-1]:.0%}")


def latency_plot(say: Say, stages: Mapping[str, Mapping[str, float | None]]) -> None:
    """Draw the median and the 95th percentile of each step."""
    rows = [
        {"stage": say.name(words.STAGES, name), "of": of, "ms": times[of]}
        for name, times in stages.items()
        for of in ("p50", "p95")
        if times.get(of) is not None
    ]
    if not rows:
        return
    chart = (
        alt.Chart({"values": rows})
        .mark_bar()
        .encode(
            x=alt.X("stage:N", title=None, sort=None, axis=alt.Axis(labelAngle=0)),
            xOffset="of:N",
            y=alt.Y("ms:Q", title=say(words.MILLISECONDS)),
            color=alt.Color("of:N", title=None, legend=alt.Legend(orient="top")),
            tooltip=["stage:N", "of:N", "ms:Q"],
        )
    )
    said = "; ".join(f"{row['stage']} {row['of']}: {row['ms']} ms" for row in rows)
    _draw(say(words.LATENCY_PLOT), chart, said)


def difference_plot(say: Say, metrics: Mapping[str, Difference]) -> None:
    """Draw each metric's difference with its interval; what does not cross zero is a difference."""
    rows = [
        {"metric": say(words.METRICS[name]) if name in words.METRICS else name, **one.model_dump()}
        for name, one in metrics.items()
    ]
    base = alt.Chart({"values": rows}).encode(y=alt.Y("metric:N", title=None, sort=None, axis=alt.Axis(labelLimit=260)))
    zero = alt.Chart({"values": [{"x": 0}]}).mark_rule(strokeDash=[4, 4], opacity=0.5).encode(x="x:Q")
    bars = base.mark_errorbar(color=_BARS).encode(
        x=alt.X("low:Q", title=say(words.DIFFERENCE), axis=alt.Axis(format="+.2f")), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=70).encode(
        x="difference:Q", tooltip=["metric:N", "a:Q", "b:Q", "low:Q", "high:Q"]
    )
    said = "; ".join(f"{row['metric']}: {row['difference']:+.3f}" for row in rows)
    _draw(say(words.DIFFERENCE_PLOT), (zero + bars + points), said, height=40 + 28 * len(rows))


def _share(name: str, title: str) -> alt.Y:
    return alt.Y(f"{name}:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))


def _draw(title: str, chart: Any, said: str, height: int = _HEIGHT) -> None:  # noqa: ANN401 - a chart or layers of it
    st.markdown(f"**{title}**")
    st.altair_chart(chart.properties(height=height), alt=f"{title}: {said}")
