"""An answer as nodes: its citations are buttons, sentences without support are marked."""

import re

from webui.client.answers import Answer, Citation
from webui.safe.nodes import Node, element, lines, markdown

_MARK = re.compile(r"\s*\[(\d{1,3})\]")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？；])\s*")


def answer_nodes(answer: Answer, opens: str, doubt: str) -> list[Node]:
    """Return the answer. `opens` names a citation's button ("Source {number}"), `doubt` says what the mark means."""
    cited = {citation.number: citation for citation in answer.citations}
    shown: set[int] = set()

    def inline(run: str) -> list[Node]:
        shown.update(int(number) for number in _MARK.findall(run))
        return _inline(run, cited, opens, doubt)

    made = lines(answer.answer, inline) if answer.mode == "extract" else markdown(answer.answer, inline)
    rest = [_button(citation, opens) for number, citation in cited.items() if number not in shown]
    return [*made, element("p", *rest)] if rest else made


def _inline(run: str, cited: dict[int, Citation], opens: str, doubt: str) -> list[Node]:
    made: list[Node] = []
    last = 0
    for match in _MARK.finditer(run):
        citation = cited.get(int(match.group(1)))
        if citation is None:
            continue
        made += _sentences(run[last : match.start()], citation.supported, doubt)
        made.append(_button(citation, opens))
        last = match.end()
    return [*made, run[last:]] if last < len(run) else made


def _sentences(text: str, supported: bool, doubt: str) -> list[Node]:
    """Return what stands before a citation; only its last sentence is what the citation backs."""
    if supported or not text.strip():
        return [text] if text else []
    starts = [found.end() for found in _SENTENCE_END.finditer(text.rstrip()) if found.end() < len(text.rstrip())]
    start = starts[-1] if starts else 0
    return [part for part in (text[:start], element("span", text[start:], cls="doubt", says=doubt)) if part]


def _button(citation: Citation, opens: str) -> Node:
    number = citation.number
    cls = "cite" if citation.supported else "cite doubtful"
    says = f"{opens.format(number=number)}: {citation.document}"
    return element("button", str(number), cls=cls, does=str(number), says=says)
