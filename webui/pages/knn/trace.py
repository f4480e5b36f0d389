"""An answer coloured by where its words came from, lambda along it, and the neighbours of a word."""

import altair as alt
import streamlit as st

from webui.client.errors import NotThere
from webui.client.traces import OriginOfToken, Source, Trace
from webui.pages.knn import words
from webui.safe.answers import legend_nodes, token_nodes
from webui.safe.component import show
from webui.safe.labels import plain
from webui.safe.nodes import marked
from webui.shell.visit import Visit

_NEIGHBOURS = 8
_AROUND = 240
_QUOTED = 24


def draw_trace(visit: Visit, base: str, trace: Trace, key: str) -> None:
    """Draw it; a click on a word shows its neighbours."""
    say = visit.say
    if trace.reason or not trace.tokens:
        st.info(say(words.NOT_USED, reason=plain(trace.reason or "")), icon=":material/info:")
        return
    st.caption(say(words.SUMMARY, decided=trace.decided, tokens=len(trace.tokens), keys=f"{trace.keys:,}"))
    with st.container(border=True):
        clicked = show(token_nodes(trace.tokens), key=f"tokens_{key}")
    show(legend_nodes(trace.tokens, say(words.MODEL_ONLY)), key=f"legend_{key}")
    st.caption(f"{say(words.LEGEND)} {say(words.CHOOSE)}")
    _draw_lambda(visit, trace)
    chosen = f"token_{key}"
    if clicked is not None:
        st.session_state[chosen] = int(clicked)
    place = st.session_state.get(chosen)
    if place is not None and place < len(trace.tokens):
        _draw_neighbours(visit, base, trace.tokens[place], key)


def _draw_lambda(visit: Visit, trace: Trace) -> None:
    say = visit.say
    rows = [
        {"place": place, "token": token.token, "lambda": token.weight, "share": round(token.share, 3)}
        for place, token in enumerate(trace.tokens, 1)
    ]
    chart = (
        alt.Chart({"values": rows})
        .mark_area(line=True, opacity=0.25, interpolate="step")
        .encode(
            x=alt.X("place:Q", title=say(words.NUMBER), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("lambda:Q", title="λ", scale=alt.Scale(domain=[0, 1])),
            tooltip=["token:N", "lambda:Q", "share:Q"],
        )
        .properties(height=160)
    )
    st.markdown(f"**{say(words.LAMBDA_PLOT)}**")
    st.altair_chart(chart, alt=say(words.LAMBDA_PLOT))


def _draw_neighbours(visit: Visit, base: str, token: OriginOfToken, key: str) -> None:
    say = visit.say
    st.subheader(say(words.NEIGHBOURS, token=plain(token.token) or "␣"), anchor=False)
    st.caption(
        say(
            words.NUMBERS,
            weight=f"{token.weight:.2f}",
            share=f"{token.share:.0%}",
            probability=f"{token.probability:.2f}",
            entropy=f"{token.entropy:.2f}",
        )
    )
    if not token.sources:
        st.caption(say(words.MODEL_ONLY))
    for place, source in enumerate(token.sources[:_NEIGHBOURS]):
        _draw_source(visit, base, source, f"{key}_{place}")


def _draw_source(visit: Visit, base: str, source: Source, key: str) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(source.document)}**", width="content")
            st.badge(visit.say(words.SHARE, share=f"{source.mass:.1%}"), color="primary")
        try:
            chunk = visit.service.chunks(base).find(source.chunk_id)
        except NotThere:
            return
        at = min(max(0, source.start - chunk.start), len(chunk.text))
        begin = max(0, at - _AROUND)
        text = chunk.text[begin : at + _AROUND]
        end = text.find(" ", at - begin + 1)
        stop = end if 0 < end - (at - begin) <= _QUOTED else at - begin + _QUOTED // 4
        show(marked(text, at - begin, stop, "passage small"), key=f"neighbour_{key}")
