"""An answer's tokens as nodes, coloured by the document each came from."""

from collections.abc import Sequence

from webui.client.traces import OriginOfToken
from webui.safe.nodes import Node, element

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
