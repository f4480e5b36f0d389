"""The way of a passage through the search: why it was not found."""

from collections.abc import Sequence

import streamlit as st

from webui.client.bases import Base
from webui.client.search import Explanation, Limit, Standing
from webui.pages.bases import words
from webui.pages.chat import words as chat
from webui.safe.labels import shortened
from webui.shell import troubles
from webui.shell import words as common
from webui.shell.phrases import Say
from webui.shell.visit import Visit

_MOST_CHUNKS = 500


def draw(visit: Visit, base: Base) -> None:
    """Ask for a question and a passage, and show how far the passage came."""
    say = visit.say
    documents = [one for one in visit.service.documents(base.name).all() if one.state == "indexed"]
    if not documents:
        st.info(say(words.NO_DOCUMENTS), icon=":material/inbox:")
        return
    question = st.text_input(say(words.QUESTION), max_chars=8000, key=f"check_{base.name}")
    ids = {one.name: one.id for one in documents}
    document = ids[st.selectbox(say(words.EXPECTED), list(ids), key=f"check_in_{base.name}")]
    found, _ = visit.service.chunks(base.name).of(document, _MOST_CHUNKS, 0)
    texts = {one.chunk_id: f"#{one.chunk_id} {shortened(one.text, 90)}" for one in found}
    chunk = st.selectbox(
        say(words.EXPECTED_CHUNK), list(texts), format_func=texts.__getitem__, key=f"check_chunk_{document}"
    )
    k = st.slider(say(chat.K), 1, 20, 5, key=f"check_k_{base.name}")
    ready = bool(question.strip()) and chunk is not None
    if st.button(say(words.EXPLAIN), type="primary", icon=":material/troubleshoot:", disabled=not ready):
        with troubles.shown(say):
            _draw_explanation(say, visit.service.search.explain(base.name, question.strip(), chunk, k))


def _draw_explanation(say: Say, found: Explanation) -> None:
    st.subheader(say(words.EXPLAINED), anchor=False)
    _draw_stages(say, found.stages)
    for limit in found.limits:
        _draw_limit(say, limit)


def _draw_stages(say: Say, stages: Sequence[Standing]) -> None:
    table = {
        say(words.STAGE): [say.name(words.STAGES, one.stage) for one in stages],
        say(words.RANK): [str(one.rank) if one.rank else say(words.NOT_THERE) for one in stages],
        say(common.SCORE): [one.score for one in stages],
    }
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f")
    st.dataframe(table, hide_index=True, column_config={say(common.SCORE): bar})


def _draw_limit(say: Say, limit: Limit) -> None:
    icon, color = (":material/check_circle:", "green") if limit.passed else (":material/cancel:", "red")
    verdict = say(words.PASSED if limit.passed else words.FELL)
    st.markdown(f":{color}[{icon}] {say.name(words.LIMITS, limit.limit)}: **{limit.value:g}** · {verdict}")
