"""The latest jobs of all bases."""

from typing import Any

import streamlit as st

from webui.client.jobs import Job
from webui.pages.bases import words as bases
from webui.pages.system import words
from webui.shell.phrases import Say
from webui.shell.times import shown
from webui.shell.visit import Visit


def draw_jobs(visit: Visit) -> None:
    """Draw them as a table, newest first."""
    say, jobs = visit.say, visit.service.jobs.latest(30)
    if not jobs:
        st.caption(say(words.NO_JOBS))
        return
    bar = st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent")
    table = [_row(say, job) for job in jobs]
    st.dataframe(table, hide_index=True, key="all_jobs", column_config={say(words.PROGRESS): bar})


def _row(say: Say, job: Job) -> dict[str, Any]:
    """Return a job's cells by the titles of the columns."""
    return {
        say(words.JOB): say.name(words.KINDS, job.kind),
        say(words.BASE): job.knowledge_base,
        say(words.STATE): say(bases.STATES[job.state]),
        say(words.PROGRESS): _progress(job),
        say(words.WHEN): shown(job.finished or job.created),
        say(bases.REASON): job.error or "",
    }


def _progress(job: Job) -> float:
    return job.settled / job.total if job.total else float(job.over)
