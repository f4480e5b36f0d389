"""A document's chunks beside its text."""

import streamlit as st

from webui.client.bases import Base
from webui.client.chunks import Chunk, Chunks
from webui.client.documents import Document
from webui.pages.bases import words
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import Node, element, marked
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.visit import Visit

_SHOWN = 50


def draw_chunks(visit: Visit, base: Base, document: Document) -> None:
    """List a page of chunks at the left; the text they make up at the right, the chosen one marked."""
    say = visit.say
    if not document.chunks:
        return
    pages = -(-document.chunks // _SHOWN)
    page = st.pagination(pages, key=f"chunk_page_{document.id}") if pages > 1 else 1
    chunks, total = visit.service.chunks(base.name).of(document.id, _SHOWN, (page - 1) * _SHOWN)
    st.caption(say(words.CHUNK_OF, n=total))
    if not chunks:
        return
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(height=520, border=False, key="chunk_cards"):
        chosen = _draw_cards(visit, base, chunks)
    with right, st.container(height=520, border=True):
        show(_text(chunks, chosen), key=f"text_{document.id}_{page}_{chosen}", to_mark=True)


def _draw_cards(visit: Visit, base: Base, chunks: list[Chunk]) -> int:
    chosen: int = st.session_state.get("chunk_chosen", chunks[0].chunk_id)
    for chunk in chunks:
        with st.container(border=True, key=f"chunk_{chunk.chunk_id}"):
            _draw_card(visit, base, chunk)
    return chosen if any(chunk.chunk_id == chosen for chunk in chunks) else chunks[0].chunk_id


def _draw_card(visit: Visit, base: Base, chunk: Chunk) -> None:
    say, care = visit.say, visit.service.chunks(base.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(f"#{chunk.chunk_id}", key=f"see_{chunk.chunk_id}", type="tertiary", help=say(words.IN_CONTEXT)):
            st.session_state["chunk_chosen"] = chunk.chunk_id
            st.rerun()
        if chunk.page:
            st.caption(say(common.PAGE, page=chunk.page))
        if chunk.disabled:
            st.badge(say(words.DISABLED), color="orange")
        if chunk.edited:
            st.badge(say(words.EDITED), color="violet")
        if visit.me.may("write"):
            _draw_care(visit, care, chunk)
    if chunk.heading_path:
        st.caption(plain(" › ".join(chunk.heading_path)))
    show(marked(chunk.text, 0, 0, "passage small"), key=f"chunk_text_{chunk.chunk_id}")


def _draw_care(visit: Visit, care: Chunks, chunk: Chunk) -> None:
    say, key = visit.say, chunk.chunk_id
    if chunk.disabled:
        if st.button(say(words.RESTORE_CHUNK), key=f"restore_{key}", type="tertiary", icon=":material/visibility:"):
            care.restore(key)
            st.rerun()
        return
    if st.button(say(words.EDIT), key=f"edit_{key}", type="tertiary", icon=":material/edit:"):
        _edit(visit, care, chunk)
    if st.button(say(words.DISABLE), key=f"disable_{key}", type="tertiary", icon=":material/visibility_off:"):
        care.disable(key)
        st.rerun()


def _edit(visit: Visit, care: Chunks, chunk: Chunk) -> None:
    say = visit.say

    @st.dialog(say(words.EDIT_CHUNK), width="medium", icon=":material/edit:")
    def ask() -> None:
        st.caption(say(words.EDIT_MORE))
        text = st.text_area(say(words.IN_CONTEXT), chunk.text, height=300, max_chars=20_000)
        with troubles.shown(say), st.container(horizontal=True):
            if st.button(say(common.SAVE), type="primary", disabled=not text.strip()):
                care.edit(chunk.chunk_id, text.strip())
                st.rerun()
            if chunk.edited and st.button(say(words.REVERT), icon=":material/undo:"):
                care.revert(chunk.chunk_id)
                st.rerun()

    ask()


def _text(chunks: list[Chunk], chosen: int) -> list[Node]:
    """Put chunks together to the text they were cut from: what overlaps is shown once, the chosen one marked."""
    nodes: list[Node] = []
    end = 0
    begins, ends = next((one.start, one.end) for one in chunks if one.chunk_id == chosen)
    for chunk in chunks:
        start = max(chunk.start, end)
        if chunk.end <= start:
            continue
        text = (chunk.original or chunk.text)[start - chunk.start :]
        if nodes and chunk.start > end:
            nodes.append("\n\n")
        nodes += _parts(text, start, begins, ends)
        end = chunk.end
    return [element("div", *nodes, cls="passage")]


def _parts(text: str, start: int, begins: int, ends: int) -> list[Node]:
    first, last = max(0, begins - start), max(0, ends - start)
    parts: list[Node] = [
        text[:first],
        element("mark", text[first:last], cls="chosen") if text[first:last] else "",
        text[last:],
    ]
    return [part for part in parts if part]
