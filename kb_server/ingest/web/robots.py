"""What a site's robots.txt lets us read (RFC 9309). The rules are matched by protego; which group is ours, we say."""

import re
from urllib.parse import urlsplit, urlunsplit

from protego import Protego

from kb_server.core.errors import LoadError
from kb_server.ingest.web.fetcher import AGENT, Fetcher

_MOST_BYTES = 500 << 10  # what RFC 9309 asks to be read at least; the rest is left
_LONGEST_DELAY = 10.0
_AGENT_LINE = re.compile(r"\s*user[-\s]?\s*agent(?=[\s:])\s*:?\s*(\*(?=[\s#]|$)|[a-z_-]*)", re.IGNORECASE)


class Robots:
    """Asks each host once."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._known: dict[str, Protego] = {}

    def check(self, url: str) -> None:
        """Raise LoadError where the site does not want the page read, or does not say because it is failing."""
        if not self._rules(url).can_fetch(url, AGENT):
            raise LoadError(f"The robots.txt of the site does not let '{url}' be read.", "Ask whoever runs it.")

    def delay(self, url: str) -> float:
        """Return the seconds to wait between pages, at most 10."""
        return min(self._rules(url).crawl_delay(AGENT) or 0.0, _LONGEST_DELAY)

    def _rules(self, url: str) -> Protego:
        parts = urlsplit(url)
        place = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        if place not in self._known:
            page = self._fetcher.get(place)
            if page.status >= 500:
                raise LoadError(f"'{place}' answers {page.status}, so nobody can tell what may be read.", "Try later.")
            # A site without one, 4xx, allows everything.
            self._known[place] = parse_robots(page.body if page.status < 400 else b"")
        return self._known[place]


def parse_robots(body: bytes) -> Protego:
    """Return the rules in a robots.txt; what cannot be read in it is passed over."""
    lines = body[:_MOST_BYTES].decode("utf-8-sig", "replace").splitlines()
    return Protego.parse("\n".join(map(_with_known_agent, lines)))


def _with_known_agent(line: str) -> str:
    """Give every other agent of the file one name.

    protego keeps a copy of a rule for each agent of its group, so 64 KB of agents and rules would take 570 MB; and
    it counts the start of our name, and never our name with a version, as ours.
    """
    agent = _AGENT_LINE.match(line)
    if agent is None:
        return line
    named = agent[1].lower()
    return f"User-agent: {named if named in ('*', AGENT) else 'another'}"
