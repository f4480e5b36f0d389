"""Where an answer comes from: a citation's passage in a drawer, and what was found and why."""

from collections.abc import Sequence

import streamlit as st

from webui.client.answers import Answer, Citation
from webui.client.chunks import Chunk, Hit, Place
from webui.client.errors import NotThere
from webui.pages.chat import words as chat
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import marked
from webui.shell import words as common
from webui.shell.phrases import Say
from webui.shell.visit import Visit

_ALSO = 10


def open_citation(visit: Visit, base: str, answer: Answer, number: int) -> None:
    """Open the passage of a citation at the side, its quote highlighted."""
    citation = answer.citation(number)
    if citation is None:
        return
    base = citation.knowledge_base or base

    @st.dialog(visit.say(chat.SOURCE) + f" {number}", width="medium", position="right", icon=":material/format_quote:")
    def drawer() -> None:
        _draw_citation(visit, base, answer, citation)

    drawer()


def draw_hits(say: Say, hits: list[Hit], key: str, expanded: bool = False) -> None:
    """List passages with their score at each stage, best first."""
    if not hits:
        st.caption(say(chat.NO_HITS))
        return
    with st.expander(say(chat.FOUND, n=len(hits)), icon=":material/manage_search:", expanded=expanded):
        several = len({hit.knowledge_base for hit in hits}) > 1
        for place, hit in enumerate(hits, 1):
            draw_hit(say, hit, place, f"{key}_{place}", several)


def draw_hit(say: Say, hit: Hit, place: int, key: str, several: bool = False) -> None:
    """Show one passage: where it stands (its base too, if `several` were asked), its scores, its text."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{place}. {plain(hit.document)}**{_where(say, hit)}")
            if several:
                st.badge(plain(hit.knowledge_base), icon=":material/folder_open:", color="gray")
            _draw_scores(say, hit)
        show(marked(hit.text, 0, 0, "passage small"), key=key)
        draw_also(say, hit.also)


def draw_also(say: Say, places: Sequence[Place]) -> None:
    """List other places of the same words, a line each."""
    if not places:
        return
    lines = [f"{plain(place.document)}{_where(say, place)}" for place in places[:_ALSO]]
    if len(places) > _ALSO:
        lines.append(say(chat.AND_MORE, n=len(places) - _ALSO))
    listed = "".join(f"\n- {line}" for line in lines)
    st.caption(f":material/content_copy: {say(chat.ALSO_AT)}\n{listed}")


def _several(answer: Answer) -> bool:
    """Whether the answer is from several bases; what it cites may stand beyond the passages that are shown."""
    found = [hit.knowledge_base for hit in answer.hits]
    return len({*found, *(citation.knowledge_base for citation in answer.citations)} - {""}) > 1


def _draw_citation(visit: Visit, base: str, answer: Answer, citation: Citation) -> None:
    say = visit.say
    hit = answer.hit(citation)
    chunk = hit or _chunk(visit, base, citation)
    st.markdown(f"**{plain(citation.document)}**")
    _draw_where(say, chunk or citation, base if _several(answer) else None)
    if not citation.supported:
        st.warning(say(chat.NOT_SUPPORTED), icon=":material/report:")
    with st.container(border=True):
        _draw_quote(say, citation, chunk)
    draw_also(say, hit.also if hit else ())
    _draw_page(visit, base, citation, chunk)
    st.download_button(
        say(chat.ORIGINAL),
        lambda: visit.service.original(base, citation.document),
        citation.document.rpartition("/")[2],
        "application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
    )


def _draw_where(say: Say, of: Chunk | Citation, base: str | None) -> None:
    """Say where a passage stands, and in which base if one is named."""
    parts = _parts(say, of) if base is None else [f":material/folder_open: {plain(base)}", *_parts(say, of)]
    if parts:
        st.caption(" · ".join(parts))


def _draw_quote(say: Say, citation: Citation, chunk: Chunk | None) -> None:
    """Show the passage with the quote marked; the quote alone if the passage is gone."""
    if chunk is None:
        st.caption(say(chat.ORIGINAL_GONE))
        show(marked(citation.quote, 0, len(citation.quote)), key="cited")
    else:
        nodes = marked(chunk.text, citation.start - chunk.start, citation.end - chunk.start)
        show(nodes, key="cited", to_mark=True)


def _draw_page(visit: Visit, base: str, citation: Citation, chunk: Chunk | None) -> None:
    """Show the page of a PDF as it looks, the quote marked, unless its passage is gone."""
    if not citation.page or not citation.document.lower().endswith(".pdf"):
        return
    documents, id_ = visit.service.documents(base), citation.document_id
    if id_ is None and chunk is not None:  # an answer that was kept long ago
        id_ = chunk.document_id or getattr(documents.named(citation.document), "id", None)
    picture = documents.picture(id_, citation.page, citation.quote) if id_ is not None else None
    if picture:
        st.image(picture, caption=visit.say(common.PAGE, page=citation.page), width="stretch", alt=citation.quote)


def _chunk(visit: Visit, base: str, citation: Citation) -> Chunk | None:
    try:
        return visit.service.chunks(base).find(citation.chunk_id)
    except NotThere:
        return None


def _where(say: Say, of: Chunk | Place) -> str:
    return "".join(f" · {part}" for part in _parts(say, of))


def _parts(say: Say, of: Chunk | Citation | Place) -> list[str]:
    """Return the page and the headings, as far as there are any."""
    parts = [say(common.PAGE, page=of.page)] if of.page else []
    if not isinstance(of, Citation) and of.heading_path:
        parts.append(plain(" › ".join(of.heading_path)))
    return parts


def _draw_scores(say: Say, hit: Hit) -> None:
    st.badge(f"{hit.score:.2f}", color="primary", help=say(common.SCORE))
    for stage, score in hit.stages.items():
        name = say(chat.STAGE[stage]) if stage in chat.STAGE else plain(stage)
        st.badge(f"{name} {score:.2f}", color="gray")
