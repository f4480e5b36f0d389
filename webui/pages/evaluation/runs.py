"""Runs over a base's questions: start one, watch it, read what came of it."""

import streamlit as st

from webui.client.evaluations import Evaluations, Result, Run, RunDetail
from webui.pages.bases import words as bases
from webui.pages.chat import words as chat
from webui.pages.chat.state import ask_later
from webui.pages.evaluation import words
from webui.pages.evaluation.plots import latency_plot, recall_plot, risk_plot
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import lines
from webui.shell import troubles
from webui.shell.phrases import Phrase, Say
from webui.shell.times import shown
from webui.shell.visit import Visit

MODES = {"extract": chat.EXTRACT, "generate": chat.GENERATE}
_LOOK_SECONDS = 1
_FAILURES = 50
_MAIN = (
    ("retrieval", "recall@1"),
    ("retrieval", "recall@5"),
    ("answers", "contains"),
    ("answers", "citation_precision"),
    ("answers", "refusal_recall"),
    ("answers", "false_refusal"),
)


def draw(visit: Visit, base: str) -> None:
    """Draw the start button, the choice of run, and the run."""
    say, evaluations = visit.say, visit.service.evaluations(base)
    if visit.me.may("write"):
        _draw_start(visit, evaluations, base)
    runs = evaluations.runs()
    if not runs:
        st.caption(say(words.NO_RUNS))
        return
    run = evaluations.run(choose_run(say, words.RUN, runs, f"run_{base}_{runs[0].id}"))
    if run.over:
        _draw_run(visit, evaluations, base, run)
    else:
        _follow(visit, evaluations, run.id)


def choose_run(say: Say, title: Phrase, runs: list[Run], key: str, index: int = 0) -> str:
    """Let a run be chosen and return its id: Streamlit would keep a run itself as it was when it was chosen."""
    names = {run.id: run_name(say, run) for run in runs}
    return st.selectbox(say(title), list(names), index=index, format_func=names.__getitem__, key=key)


def run_name(say: Say, run: Run) -> str:
    """Return what a run is called in a list."""
    return say(words.RUN_NAME, time=shown(run.created, seconds=True), mode=say(MODES[run.mode]), n=run.total)


def _draw_start(visit: Visit, evaluations: Evaluations, base: str) -> None:
    say, count = visit.say, len(evaluations.cases())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = st.segmented_control(
            say(chat.MODE),
            list(MODES),
            format_func=lambda one: say(MODES[one]),
            default="extract",
            required=True,
            key=f"run_mode_{base}",
        )
        started = st.button(
            say(words.START, n=count), type="primary", icon=":material/play_arrow:", disabled=not count, key="start_run"
        )
    if started:
        with troubles.shown(say):
            evaluations.start(mode or "extract")
            st.rerun()


def _follow(visit: Visit, evaluations: Evaluations, run_id: str) -> None:
    @st.fragment(run_every=_LOOK_SECONDS)
    def look() -> None:
        with troubles.shown(visit.say):
            run = evaluations.run(run_id)
            if run.over:
                st.rerun()
            st.progress(run.done / max(1, run.total), visit.say(words.RUNNING, done=run.done, total=run.total))

    look()


def _draw_run(visit: Visit, evaluations: Evaluations, base: str, run: RunDetail) -> None:
    say = visit.say
    if run.summary is None:
        st.error(plain(run.error or say(bases.STATES[run.state])), icon=":material/error:")
    else:
        _draw_metrics(say, run)
        _draw_plots(say, run)
        _draw_failures(visit, evaluations, base, run)
    with st.container(horizontal=True):
        if run.summary is not None:
            st.download_button(
                say(words.REPORT),
                lambda: evaluations.report(run.id),
                "report.html",
                "text/html",
                icon=":material/download:",
                on_click="ignore",
            )
        if visit.me.may("write") and st.button(say(words.DELETE_RUN), icon=":material/delete:", type="tertiary"):
            evaluations.delete(run.id)
            st.rerun()


def _draw_metrics(say: Say, run: RunDetail) -> None:
    summary = run.summary or {}
    with st.container(horizontal=True):
        for group, name in _MAIN:
            value = summary[group].get(name)
            if value is None:
                continue
            low, high = summary["intervals"].get(name, (value, value))
            interval = say(words.INTERVAL, low=f"{low:.0%}", high=f"{high:.0%}")
            st.metric(
                say(words.METRICS[name]),
                f"{value:.1%}",
                interval,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=240,
            )


def _draw_plots(say: Say, run: RunDetail) -> None:
    summary = run.summary or {}
    first, second, third = st.columns(3)
    with first:
        recall_plot(say, summary)
    with second:
        risk_plot(say, run.coverage, run.risk)
    with third:
        latency_plot(say, summary["latency_ms"]["stages"])


def _draw_failures(visit: Visit, evaluations: Evaluations, base: str, run: RunDetail) -> None:
    say = visit.say
    failures, total = evaluations.failures(run.id, _FAILURES)
    if not failures:
        st.success(say(words.NONE_FAILING), icon=":material/check_circle:")
        return
    st.subheader(say(words.FAILING, n=total), anchor=False)
    for failure in failures:
        _draw_failure(visit, base, run, failure)


def _draw_failure(visit: Visit, base: str, run: RunDetail, failure: Result) -> None:
    say = visit.say
    with st.container(border=True, key=f"failure_{failure.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(failure.question)}**")
            st.badge(plain((failure.failure or {}).get(say.language, "")), color="orange")
        expected = " / ".join(failure.answers) or say(words.NO_ANSWER)
        st.caption(f"{say(words.EXPECTED)}: {plain(expected)}")
        show(lines(failure.answer) or [""], key=f"failed_{run.id}_{failure.id}")
        if st.button(say(words.OPEN_IN_CHAT), key=f"ask_{failure.id}", icon=":material/forum:", type="tertiary"):
            ask_later(failure.question, base)
            st.switch_page(st.session_state["chat_page"])
