"""The questions of a base: made from its text, read through in a table."""

from typing import Any

import streamlit as st

from webui.client.evaluations import Case, Evaluations
from webui.pages.bases.jobs import draw_jobs
from webui.pages.evaluation import words
from webui.shell import troubles
from webui.shell.visit import Visit


def draw(visit: Visit, base: str) -> None:
    """Draw the form that makes questions, and the table."""
    say, evaluations = visit.say, visit.service.evaluations(base)
    cases = evaluations.cases()
    if visit.me.may("write"):
        _draw_form(visit, evaluations, base, len(cases))
    if not cases:
        st.info(say(words.NO_CASES), icon=":material/quiz:")
        return
    _draw_table(visit, evaluations, base, cases)


def _draw_form(visit: Visit, evaluations: Evaluations, base: str, known: int) -> None:
    say = visit.say
    with (
        st.form(f"make_cases_{base}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        answerable = st.number_input(say(words.ANSWERABLE), 0, 500, 20)
        unanswerable = st.number_input(say(words.UNANSWERABLE), 0, 500, 5, help=say(words.UNANSWERABLE_HELP))
        worded = st.toggle(say(words.WORDED), help=say(words.WORDED_HELP))
        asked = st.form_submit_button(say(words.MAKE), type="primary", icon=":material/auto_awesome:")
    draw_jobs(visit, base, ("questions",), 1, with_done=False)
    if asked and worded:
        with troubles.shown(say):
            evaluations.write_cases(answerable, unanswerable, seed=known)
            st.rerun()
    elif asked:
        with troubles.shown(say), st.spinner(say(words.MAKE)):
            evaluations.make_cases(answerable, unanswerable, seed=known)  # another seed: other questions
            st.rerun()


def _draw_table(visit: Visit, evaluations: Evaluations, base: str, cases: list[Case]) -> None:
    say = visit.say
    turn = st.session_state.setdefault("cases_saved", 0)
    key = f"cases_{base}_{len(cases)}_{turn}"
    may = visit.me.may("write")
    if may:
        st.caption(say(words.REVIEW))
    st.data_editor(
        [_row(case) for case in cases],
        key=key,
        num_rows="dynamic" if may else "fixed",
        disabled=not may,
        hide_index=True,
        column_config={
            "question": st.column_config.TextColumn(say(words.QUESTION), width="large", required=True),
            "answers": st.column_config.TextColumn(say(words.ANSWERS), width="medium"),
            "documents": st.column_config.TextColumn(say(words.DOCUMENTS), width="medium"),
            "answerable": st.column_config.CheckboxColumn(say(words.HAS_ANSWER), default=True, width="small"),
            "kind": st.column_config.TextColumn(say(words.KIND), width="small", disabled=True),
        },
        alt=say(words.QUESTIONS),
    )
    changes = st.session_state.get(key) or {}
    if may and any(changes.values()) and st.button(say(words.SAVE_CHANGES), type="primary", icon=":material/save:"):
        with troubles.shown(say):
            _keep(evaluations, cases, changes)
            st.session_state["cases_saved"] = turn + 1
            st.toast(say(words.SAVED), icon=":material/check:")
            st.rerun()


def _keep(evaluations: Evaluations, cases: list[Case], changes: dict[str, Any]) -> None:
    """Send what a person did in the table; `changes` names rows by their place."""
    for place, edited in changes["edited_rows"].items():
        known = cases[int(place)]
        evaluations.keep(_case({**_row(known), **edited}, known))
    for row in changes["added_rows"]:
        if (row.get("question") or "").strip():
            evaluations.keep(_case(row, None))
    for place in changes["deleted_rows"]:
        id_ = cases[place].id
        if id_ is not None:
            evaluations.drop(id_)


def _row(case: Case) -> dict[str, Any]:
    return {
        "question": case.question,
        "answers": "\n".join(case.answers),
        "documents": "\n".join(case.documents),
        "answerable": case.answerable,
        "kind": case.kind,
    }


def _case(row: dict[str, Any], known: Case | None) -> Case:
    changed = {
        "question": row["question"].strip(),
        "answers": _lines(row.get("answers")),
        "documents": _lines(row.get("documents")),
        "answerable": bool(row.get("answerable", True)),
    }
    return known.model_copy(update=changed) if known else Case.model_validate(changed)


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())
