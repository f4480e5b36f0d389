"""How good a base is: questions, runs over them, and how two runs differ."""

from collections.abc import Callable

import streamlit as st

from webui.client.evaluations import Comparison
from webui.pages.bases.choosing import choose_base
from webui.pages.evaluation import questions, runs, words
from webui.pages.evaluation.plots import difference_plot
from webui.pages.evaluation.runs import choose_run
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.phrases import Phrase, Say
from webui.shell.visit import Visit

# Times have another unit than shares, so they are in the table but not in the plot.
_TIMES = ("p50", "p95", "latency_ms")


def draw_comparing(visit: Visit, base: str) -> None:
    """Let two runs be chosen, and show the differences."""
    say, evaluations = visit.say, visit.service.evaluations(base)
    done = [run for run in evaluations.runs() if run.result is not None]
    if len(done) < 2:
        st.info(say(words.NEED_TWO), icon=":material/compare_arrows:")
        return
    left, right = st.columns(2)
    with left:
        first = choose_run(say, words.FIRST, done, f"first_{base}_{done[0].id}", index=1)
    with right:
        second = choose_run(say, words.SECOND, done, f"second_{base}_{done[0].id}")
    with troubles.shown(say):
        _draw_comparison(say, evaluations.compare(first, second))


def _draw_comparison(say: Say, found: Comparison) -> None:
    st.caption(say(words.COMMON, n=found.n))
    difference_plot(say, {name: one for name, one in found.metrics.items() if name not in _TIMES})
    table = [
        {
            say(words.METRIC): say.name(words.METRICS, name),
            say(words.FIRST): round(one.a, 3),
            say(words.SECOND): round(one.b, 3),
            say(words.DIFFERENCE): f"{one.difference:+.3f}  [{one.low:+.3f}, {one.high:+.3f}]",
            say(words.VERDICT): say.name(words.VERDICTS, one.verdict),
        }
        for name, one in found.metrics.items()
    ]
    st.dataframe(table, hide_index=True, key="comparison")


_TABS: tuple[tuple[Phrase, str, Callable[[Visit, str], None]], ...] = (
    (words.QUESTIONS, ":material/quiz:", questions.draw),
    (words.RUNS, ":material/monitoring:", runs.draw),
    (words.COMPARE, ":material/compare_arrows:", draw_comparing),
)


def draw(visit: Visit) -> None:
    """Draw the page."""
    base = choose_base(visit, may_make=False)
    if base is None:
        return
    st.header(visit.say(words.TITLE, base=plain(base.name)), anchor=False)
    tabs = st.tabs(
        [f"{icon} {visit.say(title)}" for title, icon, _ in _TABS], key=f"evaluation_{base.name}", on_change="rerun"
    )
    for tab, (_, _, draw_tab) in zip(tabs, _TABS, strict=True):
        if tab.open:
            with tab:
                draw_tab(visit, base.name)
