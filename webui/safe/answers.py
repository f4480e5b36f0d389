"""An answer as nodes: its citations are buttons, sentences without support are marked."""

import re
from collections.abc import Sequence

from webui.client.answers import Answer, Citation
from webui.client.traces import OriginOfToken
from webui.safe.nodes import Node, element, lines, markdown

COLOURS = 8

_LEAST_SHARE = 0.02


def documents_of(tokens: Sequence[OriginOfToken]) -> list[str]:
    """Return the documents that gave most to some token, those that gave most in all first."""
    given: dict[str, float] = {}
    for token in tokens:
        if token.sources and token.share >= _LEAST_SHARE:
            best = token.sources[0].document
            given[best] = given.get(best, 0.0) + token.share
    return sorted(given, key=lambda name: -given[name])


def token_nodes(tokens: Sequence[OriginOfToken]) -> list[Node]:
    """Return the tokens; a click on one says its place."""
    colours = {name: place % COLOURS for place, name in enumerate(documents_of(tokens))}
    return [element("div", *[_token(token, place, colours) for place, token in enumerate(tokens)], cls="passage")]


def legend_nodes(tokens: Sequence[OriginOfToken], nothing: str) -> list[Node]:
    """Return what each colour means; `nothing` is the name of no colour."""
    made = [
        element("span", name, cls=f"token c{place % COLOURS}", style={"--share": "60%"})
        for place, name in enumerate(documents_of(tokens))
    ]
    return [element("div", *made, element("span", nothing, cls="token"), cls="legend small")]


def _token(token: OriginOfToken, place: int, colours: dict[str, int]) -> Node:
    if not token.sources or token.share < _LEAST_SHARE:
        return element("button", token.token, cls="token", does=str(place))
    colour = colours[token.sources[0].document]
    style = {"--share": f"{15 + 60 * token.share:.0f}%"}
    says = f"{token.token} {token.share:.0%} {token.sources[0].document}"
    return element("button", token.token, cls=f"token c{colour}", does=str(place), says=says, style=style)


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
    start = _last_sentence(text)
    return [part for part in (text[:start], element("span", text[start:], cls="doubt", says=doubt)) if part]


def _last_sentence(text: str) -> int:
    """Return where the last sentence begins."""
    written = text.rstrip()
    starts = [found.end() for found in _SENTENCE_END.finditer(written) if found.end() < len(written)]
    return starts[-1] if starts else 0


def _button(citation: Citation, opens: str) -> Node:
    number = citation.number
    cls = "cite" if citation.supported else "cite doubtful"
    says = f"{opens.format(number=number)}: {citation.document}"
    return element("button", str(number), cls=cls, does=str(number), says=says)
