"""How the service fares, and who may use it."""

from typing import Any

import streamlit as st

from webui.client.jobs import Job
from webui.client.system import Key, Model
from webui.pages.bases import words as bases
from webui.pages.system import words
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.phrases import Phrase, Say
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


_MADE = "key_made"


def draw_keys(visit: Visit) -> None:
    """Draw the form and the list."""
    _draw_form(visit)
    for key in visit.service.keys.all():
        _draw_key(visit, key)


def _draw_form(visit: Visit) -> None:
    say = visit.say
    made = st.session_state.pop(_MADE, None)
    if made:
        st.success(say(words.KEY_SHOWN), icon=":material/key:")
        st.code(made, language=None)
    with st.expander(say(words.KEY_MAKE), icon=":material/add:"), st.form("key", border=False):
        name = st.text_input(say(words.KEY_NAME), max_chars=200)
        scope = st.radio(
            say(words.SCOPE), list(words.SCOPES), format_func=lambda one: say(words.SCOPES[one]), horizontal=True
        )
        names = [base.name for base in visit.service.bases.all()]
        bases = st.multiselect(say(words.KEY_BASES), names, placeholder=say(words.KEY_ALL))
        if st.form_submit_button(say(words.KEY_MAKE), type="primary"):
            with troubles.shown(say):
                st.session_state[_MADE] = visit.service.keys.create(name.strip(), scope, bases)
                st.rerun()


def _draw_key(visit: Visit, key: Key) -> None:
    say = visit.say
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"key_{key.id}"):
        st.markdown(f"**{plain(key.name)}**")
        st.badge(say(words.SCOPES[key.scope]), color="gray")
        bases = say(words.KEY_ALL) if key.knowledge_bases is None else ", ".join(key.knowledge_bases)
        st.caption(f"{plain(bases)} · {say(words.CREATED, time=shown(key.created))}")
        if key.revoked:
            st.badge(say(words.REVOKED), color="red")
        elif key.id == visit.me.id:
            st.badge(say(words.YOURS), color="blue")
        elif st.button(say(words.REVOKE), key=f"revoke_{key.id}", type="tertiary", icon=":material/block:"):
            visit.service.keys.revoke(key.id)
            st.rerun()


_LOOK_SECONDS = 5

_GIB = 1 << 30


def draw_status(visit: Visit) -> None:
    """Draw them."""

    @st.fragment(run_every=_LOOK_SECONDS)
    def follow() -> None:
        with troubles.shown(visit.say):
            _draw_figures(visit)

    follow()


def _draw_figures(visit: Visit) -> None:
    say, status = visit.say, visit.service.system.status()
    st.badge(say(words.RUNS_WELL), icon=":material/check_circle:", color="green")
    numbers = (
        (words.VERSION, status.version),
        (words.MEMORY, _gibibytes(status.memory.process_bytes)),
        (words.MEMORY_FREE, _gibibytes(status.memory.free_bytes)),
        (words.DISK_FREE, _gibibytes(status.disk_free_bytes)),
    )
    for column, (title, value) in zip(st.columns(4), numbers, strict=True):
        column.metric(say(title), value, border=True)
    st.subheader(say(words.QUEUES), anchor=False)
    for column, queue in zip(st.columns(2), status.queues, strict=False):
        with column, st.container(border=True):
            name = say(words.QUEUE_NAMES[queue.name]) if queue.name in words.QUEUE_NAMES else queue.name
            st.markdown(f"**{name}**")
            st.progress(min(1.0, (queue.running + queue.waiting) / max(1, queue.places)))
            st.caption(
                f"{say(words.RUNNING)} {queue.running} · {say(words.WAITING)} {queue.waiting} · "
                f"{say(words.PLACES)} {queue.places}"
            )


def _gibibytes(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def draw(visit: Visit) -> None:
    """Draw the page."""
    say = visit.say
    st.header(say(common.SYSTEM), anchor=False)
    if visit.me.may("admin"):
        draw_status(visit)
    else:
        st.caption(say(words.ADMINS_ONLY))
    _draw_models(visit)
    st.subheader(say(words.JOBS), anchor=False)
    draw_jobs(visit)
    if visit.me.may_create:
        st.subheader(say(words.KEYS), anchor=False)
        draw_keys(visit)


def _draw_models(visit: Visit) -> None:
    models = visit.service.system.models()
    st.subheader(visit.say(words.MODELS), anchor=False)
    for uses, found in ((words.FOR_WRITING, models.generators), (words.FOR_EMBEDDING, models.embedders)):
        for model in found:
            _draw_model(visit, model, uses)


def _draw_model(visit: Visit, model: Model, uses: Phrase) -> None:
    say = visit.say
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(model.name)}**", width="content")
        st.caption(say(uses), width="content")
        if model.chosen:
            st.badge(say(words.CHOSEN), color="green")
        if model.loaded:
            st.badge(say(words.LOADED), color="blue", icon=":material/memory:")
