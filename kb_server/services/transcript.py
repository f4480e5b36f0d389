"""A kept conversation as Markdown, for people to keep or send on."""

import html
import re
from collections.abc import Sequence
from typing import Any

from kb_server.catalog.conversations import Conversation, Turn

_MARKS = re.compile(r"([\\`*_\[\]#|~])")
_CITATION = re.compile(r"\\\[(\d+)\\\]")
_SPEAKERS = {"user": "**?**", "assistant": "**→**"}


def transcript(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """Return the conversation. What was asked, answered or quoted is shown as text: none of it becomes markup."""
    bases = _inert(", ".join(conversation.bases))
    head = f"# {_inert(conversation.title)}\n\n{bases} · {conversation.created:%Y-%m-%d %H:%M} UTC\n"
    return "\n".join([head, *(_turn(turn) for turn in turns)])


def _turn(turn: Turn) -> str:
    text = _CITATION.sub(r"[\1]", _inert(turn.content))
    said = f"{_SPEAKERS[turn.role]} {text}{'' if turn.complete else ' …'}\n"
    citations = (turn.answer or {}).get("citations", [])
    several = len({citation.get("knowledge_base") for citation in citations}) > 1
    return "\n".join([said, *(_citation(citation, several) for citation in citations)])


def _citation(citation: dict[str, Any], several: bool) -> str:
    page = "" if citation["page"] is None else f", p. {citation['page']}"
    base = f"{_inert(citation['knowledge_base'])} · " if several else ""
    quote = " ".join(_inert(citation["quote"]).split())
    return f"> [{citation['number']}] {base}{_inert(citation['document'])}{page}: {quote}\n"


def _inert(text: str) -> str:
    lines = _MARKS.sub(r"\\\1", html.escape(text, quote=False)).splitlines()
    return "\n".join(line.strip() for line in lines)
