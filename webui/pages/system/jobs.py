"""The latest jobs of all bases."""

import streamlit as st

from webui.client.jobs import Job
from webui.pages.bases import words as bases
from webui.pages.system import words
from webui.pages.system import words as system
from webui.shell.times import shown
from webui.shell.visit import Visit


def draw_jobs(visit: Visit) -> None:
    """Draw them as a table, newest first."""
    say, jobs = visit.say, visit.service.jobs.latest(30)
    if not jobs:
        st.caption(say(words.NO_JOBS))
        return
    table = {
        say(words.JOB): [say(system.KINDS[job.kind]) if job.kind in system.KINDS else job.kind for job in jobs],
        say(words.BASE): [job.knowledge_base for job in jobs],
        say(words.STATE): [say(bases.STATES[job.state]) for job in jobs],
        say(words.PROGRESS): [_progress(job) for job in jobs],
        say(words.WHEN): [shown(job.finished or job.created) for job in jobs],
        say(bases.REASON): [job.error or "" for job in jobs],
    }
    bar = st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent")
    st.dataframe(table, hide_index=True, key="all_jobs", column_config={say(words.PROGRESS): bar})


def _progress(job: Job) -> float:
    return job.settled / job.total if job.total else float(job.over)
