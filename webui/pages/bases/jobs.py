"""Jobs of a base: how far they are, how long they will take, what failed and why."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import streamlit as st

from webui.client.jobs import File, Job
from webui.pages.bases import words
from webui.pages.system import words as system
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.phrases import Say
from webui.shell.times import aware, shown
from webui.shell.visit import Visit

_REASONS = 10
_LOOK_SECONDS = 1


def draw_jobs(visit: Visit, base: str, kinds: Collection[str], most: int, with_done: bool = True) -> bool:
    """Show the latest jobs of these kinds, and follow those under way; says whether any is shown.

    Without `with_done` nothing is said of those that ended well.
    """
    latest = partial(_latest, visit, base, kinds, most)
    jobs = [job for job in latest() if with_done or job.state != "done"]
    if jobs:
        _follow(visit, latest, running=any(not job.over for job in jobs))
    return bool(jobs)


def _follow(visit: Visit, latest: Callable[[], list[Job]], running: bool) -> None:
    """Draw the jobs, again and again while some are `running`; the whole page once all are over."""

    @st.fragment(run_every=_LOOK_SECONDS if running else None)
    def look() -> None:
        with troubles.shown(visit.say):
            jobs = latest()
            if running and all(job.over for job in jobs):
                st.rerun()
            for job in jobs:
                _draw_job(visit, visit.service.jobs.find(job.id))

    look()


def _latest(visit: Visit, base: str, kinds: Collection[str], most: int) -> list[Job]:
    mine = [job for job in visit.service.jobs.latest() if job.knowledge_base == base and job.kind in kinds]
    return mine[:most]


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
        _draw_left(say, job)


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
    """Show every file of a job under way; of one that is over, those that did not go well."""
    files = [file for file in job.details if not job.over or file.reason or file.state != "done"]
    if job.over and len(files) <= _REASONS:
        _draw_reasons(say, files)
    elif files:
        _draw_table(say, files, f"files_{job.id}")


def _draw_reasons(say: Say, files: Sequence[File]) -> None:
    """Say as text why each file failed: a table would cut the reasons off."""
    for file in files:
        reason = plain(file.reason or say(words.STATES[file.state]))
        st.markdown(f":orange[:material/error:] **{plain(file.name)}**  \n{reason}")


def _draw_table(say: Say, files: Sequence[File], key: str) -> None:
    table = {
        say(words.DOCUMENT): [file.name for file in files],
        say(words.STATE): [say(words.STATES[file.state]) for file in files],
        say(words.REASON): [file.reason or "" for file in files],
    }
    st.dataframe(table, hide_index=True, key=key, height=min(250, 38 + 35 * len(files)))


def _draw_left(say: Say, job: Job) -> None:
    """Name the documents that kept their chunks, because of a person's edits or because they could not be read."""
    found = job.result or {}
    for one in found.get("left", [])[:_REASONS]:
        amount = one["edited"] + one["disabled"]
        st.markdown(f":material/edit_off: **{plain(one['document'])}**  \n{say(words.LEFT, n=amount)}")
    failed = found.get("failed")
    for one in failed[:_REASONS] if isinstance(failed, list) else []:
        st.markdown(f":orange[:material/error:] **{plain(one['path'])}**  \n{plain(one['reason'])}")


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
