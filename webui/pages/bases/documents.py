"""The table of a base's documents, and one of them with its chunks."""

from collections.abc import Collection, Sequence
from typing import Any

import streamlit as st

from webui.client.bases import Base
from webui.client.chunks import Chunk, Chunks
from webui.client.documents import Document
from webui.client.errors import ServiceError
from webui.pages.bases import words
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import Node, element, marked
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.phrases import Say
from webui.shell.times import local
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


_FAILED = "tags_failed"


def draw_tags(visit: Visit, base: Base, document: Document, known: Sequence[str]) -> None:
    """Show them; who may write chooses among those `known` in the base or writes new ones, kept at once."""
    say, key = visit.say, f"tags_{base.name}_{document.id}"
    _follow(document, key)
    st.multiselect(
        say(words.TAGS),
        sorted({*known, *document.tags}),
        key=key,
        accept_new_options=True,
        placeholder=say(words.TAGS_HINT if visit.me.may("write") else words.TAGS_NONE),
        disabled=not visit.me.may("write"),
        help=say(words.TAGS_HELP),
        on_change=_keep,
        args=(visit, base, document, key),
    )
    failed = st.session_state.pop(_FAILED, None)
    if failed is not None:
        troubles.draw_error(say, failed)


def _follow(document: Document, key: str) -> None:
    """Show what the service has where that has changed; set in every run it would undo what is just being chosen."""
    known = f"{key}_known"
    if key not in st.session_state or st.session_state.get(known) != document.tags:
        st.session_state[key] = list(document.tags)
        st.session_state[known] = document.tags


def _keep(visit: Visit, base: Base, document: Document, key: str) -> None:
    try:
        visit.service.documents(base.name).tag(document.id, st.session_state[key])
    except ServiceError as error:
        st.session_state[_FAILED] = error  # said where the tags are drawn
        st.session_state.pop(f"{key}_known", None)


_STATES = ("indexed", "pending", "failed")

_COLUMNS = ("name", "tags", "state", "pages", "chunks", "size", "added", "error")

_ONLY_WHERE_SOME = ("tags", "error")


def draw(visit: Visit, base: Base) -> None:
    """Draw the table; a chosen row shows its document below."""
    every = visit.service.documents(base.name).all()
    if not every:
        st.info(visit.say(words.NO_DOCUMENTS), icon=":material/inbox:")
        return
    shown = _filtered(visit, base, every)
    chosen = _draw_table(visit, base, shown)
    if chosen is None:
        st.caption(f"{visit.say(words.SHOWN, shown=len(shown), total=len(every))} · {visit.say(words.CHOOSE_DOCUMENT)}")
    else:
        _draw_document(visit, base, chosen, sorted({tag for one in every for tag in one.tags}))


def _filtered(visit: Visit, base: Base, every: list[Document]) -> list[Document]:
    say = visit.say
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.text_input(
        say(words.FILTER),
        key=f"filter_{base.name}",
        icon=":material/search:",
        placeholder=say(words.FILTER),
        label_visibility="collapsed",
    )
    with right:
        states = _draw_states(say, base, {one.state for one in every})
    wanted = name.casefold()
    return [one for one in every if _matches(one, wanted) and (not states or one.state in states)]


def _draw_states(say: Say, base: Base, present: Collection[str]) -> list[str]:
    """Let some of the states be chosen where documents are in several; none chosen: all."""
    if len(present) < 2:
        return []
    return st.pills(
        say(words.STATE),
        [state for state in _STATES if state in present],
        selection_mode="multi",
        format_func=lambda state: say(words.STATES[state]),
        key=f"states_{base.name}",
        label_visibility="collapsed",
    )


def _matches(document: Document, wanted: str) -> bool:
    return any(wanted in text.casefold() for text in (document.name, *document.tags))


def _draw_table(visit: Visit, base: Base, shown: list[Document]) -> Document | None:
    say = visit.say
    table = _cells(say, shown)
    event = st.dataframe(
        table,
        hide_index=True,
        column_config=_columns(say, table),
        on_select="rerun",
        selection_mode="single-row",
        key=f"documents_{base.name}",
        alt=say(words.DOCUMENTS),
        placeholder="",
        height=min(420, 38 + 35 * max(1, len(shown))),
    )
    rows = event["selection"]["rows"]
    return shown[rows[0]] if rows and rows[0] < len(shown) else None


def _cells(say: Say, shown: list[Document]) -> dict[str, list[Any]]:
    """Return the columns by name; tags and errors only where there are some."""
    rows = [_row(say, one) for one in shown]
    kept = [name for name in _COLUMNS if name not in _ONLY_WHERE_SOME or any(row[name] for row in rows)]
    return {name: [row[name] for row in rows] for name in kept}


def _row(say: Say, document: Document) -> dict[str, Any]:
    """Return a document's cells by column; the size is in thousands of bytes, the time by the reader's clock."""
    return {
        "name": document.name,
        "tags": list(document.tags),
        "state": say(words.STATES[document.state]),
        "pages": document.pages,
        "chunks": document.chunks,
        "size": None if document.size is None else max(0.1, document.size / 1000),
        "added": local(document.added) if document.added else None,
        "error": document.error or "",
    }


def _columns(say: Say, cells: Collection[str]) -> dict[str, Any]:
    """Return the columns' titles and formats."""
    column = st.column_config
    return {
        "name": column.TextColumn(say(words.DOCUMENT), width=280 if {"tags", "error"} & {*cells} else "large"),
        "tags": column.ListColumn(say(words.TAGS), width=130),
        "state": column.Column(say(words.STATE)),
        "pages": column.NumberColumn(say(words.PAGES), format="%d"),
        "chunks": column.Column(say(words.CHUNKS)),
        "size": column.NumberColumn(say(words.SIZE), format="%.1f KB"),  # "bytes" says 3.8万 B in Chinese
        "added": column.DatetimeColumn(say(words.TIME), format="YYYY-MM-DD HH:mm"),
        "error": column.Column(say(words.REASON)),
    }


def _draw_document(visit: Visit, base: Base, document: Document, tags: list[str]) -> None:
    say = visit.say
    st.subheader(plain(document.name), anchor=False)
    if document.error:
        st.error(plain(document.error), icon=":material/error:")
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            say(common.DOWNLOAD),
            lambda: visit.service.documents(base.name).original(document.id),
            document.name.rpartition("/")[2],
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )
        if visit.me.may("write") and st.button(say(words.DELETE_DOCUMENT), icon=":material/delete:"):
            _remove(visit, base, document)
    draw_tags(visit, base, document, tags)
    draw_chunks(visit, base, document)


def _remove(visit: Visit, base: Base, document: Document) -> None:
    say = visit.say

    @st.dialog(say(words.DELETE_DOCUMENT), icon=":material/delete:")
    def ask() -> None:
        st.write(say(words.DELETE_DOCUMENT_MORE, name=plain(document.name)))
        if st.button(say(words.DELETE_DOCUMENT), type="primary"):
            visit.service.documents(base.name).delete(document.id)
            st.rerun()

    ask()
