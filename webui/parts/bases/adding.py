"""Adding documents, and how that fares."""

from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from webui.client.bases import Base
from webui.client.jobs import Job
from webui.inert.labels import plain
from webui.parts import troubles
from webui.parts.times import aware, shown
from webui.parts.visit import Visit
from webui.words import Say, system
from webui.words import bases as words

_SHOWN = 5
_REASONS = 10
_LOOK_SECONDS = 1


def draw(visit: Visit, base: Base) -> None:
    """Take files in, and show the jobs."""
    if visit.me.may("write"):
        _draw_upload(visit, base)
        _draw_fetch(visit, base)
    st.subheader(visit.say(words.JOBS), anchor=False)
    _draw_jobs(visit, base)


def _draw_upload(visit: Visit, base: Base) -> None:
    say = visit.say
    turn = st.session_state.setdefault("uploads_sent", 0)
    files = st.file_uploader(
        say(words.UPLOAD), accept_multiple_files=True, help=say(words.UPLOAD_HELP), key=f"upload_{base.name}_{turn}"
    )
    if files and st.button(say(words.SEND, n=len(files)), type="primary", icon=":material/upload:"):
        with troubles.shown(say), st.spinner(say(words.SENDING)):
            visit.service.documents(base.name).upload([(file.name, file) for file in files])
            st.session_state["uploads_sent"] = turn + 1
            st.rerun()


def _draw_fetch(visit: Visit, base: Base) -> None:
    say = visit.say
    with (
        st.form(f"fetch_{base.name}", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        address = st.text_input(say(words.URL), placeholder="https://", help=say(words.URL_HELP))
        depth = st.number_input(say(words.DEPTH), 0, 3, 0, width=160)
        asked = st.form_submit_button(say(words.FETCH), icon=":material/language:")
    if asked and address and address.strip():
        with troubles.shown(say):
            visit.service.documents(base.name).fetch([address.strip()], depth)
            st.rerun()


def _draw_jobs(visit: Visit, base: Base) -> None:
    jobs = _jobs(visit, base)
    if not jobs:
        st.caption(visit.say(words.NO_JOBS))
        return
    running = any(not job.over for job in jobs)

    @st.fragment(run_every=_LOOK_SECONDS if running else None)
    def follow() -> None:
        with troubles.shown(visit.say):
            latest = _jobs(visit, base)
            if running and all(job.over for job in latest):
                st.rerun()
            for job in latest:
                _draw_job(visit, visit.service.jobs.find(job.id))

    follow()


def _jobs(visit: Visit, base: Base) -> list[Job]:
    return [job for job in visit.service.jobs.latest() if job.knowledge_base == base.name and job.kind != "evaluate"][
        :_SHOWN
    ]


def _draw_job(visit: Visit, job: Job) -> None:
    say = visit.say
    with st.container(border=True, key=f"job_{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(say(words.STATES[job.state]), color=_color(job))
            kind = system.KINDS.get(job.kind)
            amount = words.PROGRESS if job.details else words.STEPS
            st.markdown(
                f"{say(kind) if kind else plain(job.kind)} · {say(amount, settled=job.settled, total=job.total)}"
            )
            if job.files.get("failed"):
                st.badge(say(words.FAILED_FILES, n=job.files["failed"]), color="red")
            st.caption(_when(say, job))
            _draw_care(visit, job)
        if not job.over:
            st.progress(job.settled / max(1, job.total))
        if job.error:
            st.warning(plain(job.error), icon=":material/info:")
        _draw_files(say, job)


def _draw_care(visit: Visit, job: Job) -> None:
    if not visit.me.may("write"):
        return
    say = visit.say
    if job.state in ("queued", "running") and st.button(say(words.STOP_JOB), key=f"stop_{job.id}", type="tertiary"):
        visit.service.jobs.cancel(job.id)
        st.rerun()
    if (
        job.over
        and (job.state == "failed" or job.files.get("failed"))
        and st.button(say(words.RETRY), key=f"retry_{job.id}", icon=":material/refresh:", type="tertiary")
    ):
        visit.service.jobs.retry(job.id)
        st.rerun()


def _draw_files(say: Say, job: Job) -> None:
    files = [file for file in job.details if file.reason or file.state != "done"] if job.over else job.details
    if not files:
        return
    if job.over and len(files) <= _REASONS:
        for file in files:  # as text: a table would cut the reasons off
            reason = plain(file.reason or say(words.STATES[file.state]))
            st.markdown(f":orange[:material/error:] **{plain(file.name)}**  \n{reason}")
        return
    table = {
        say(words.DOCUMENT): [file.name for file in files],
        say(words.STATE): [say(words.STATES[file.state]) for file in files],
        say(words.REASON): [file.reason or "" for file in files],
    }
    st.dataframe(table, hide_index=True, key=f"files_{job.id}", height=min(250, 38 + 35 * len(files)))


def _when(say: Say, job: Job) -> str:
    """Return when a job ended, or how long it will still take at the rate so far."""
    if job.finished is not None:
        return shown(job.finished)
    if job.state != "running" or not job.settled:
        return ""
    passed = (datetime.now(UTC) - aware(job.created)).total_seconds()
    left = passed / job.settled * (job.total - job.settled)
    amount = words.MINUTES if left >= 90 else words.SECONDS
    return say(words.TIME_LEFT, left=say(amount, n=max(1, round(left / 60 if left >= 90 else left))))


def _color(job: Job) -> Literal["green", "orange", "red", "blue"]:
    if job.state == "done":
        return "orange" if job.files.get("failed") else "green"
    return "red" if job.state == "failed" else "blue"
