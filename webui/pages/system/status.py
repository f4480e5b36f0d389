"""Memory, disk and queues, fresh every few seconds."""

import streamlit as st

from webui.pages.system import words
from webui.shell.troubles import shown
from webui.shell.visit import Visit

_LOOK_SECONDS = 5
_GIB = 1 << 30


def draw_status(visit: Visit) -> None:
    """Draw them."""

    @st.fragment(run_every=_LOOK_SECONDS)
    def follow() -> None:
        with shown(visit.say):
            _draw(visit)

    follow()


def _draw(visit: Visit) -> None:
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
