"""What a site's robots.txt lets us read (RFC 9309)."""

from urllib.parse import urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

from kb_server.errors import LoadError
from kb_server.web.fetching import AGENT, Fetcher

_LONGEST_DELAY = 10.0


class Robots:
    """Asks each host once."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._known: dict[str, RobotFileParser] = {}

    def check(self, url: str) -> None:
        """Raise LoadError where the site does not want the page read, or does not say because it is failing."""
        if not self._rules(url).can_fetch(AGENT, url):
            raise LoadError(f"The robots.txt of the site does not let '{url}' be read.", "Ask whoever runs it.")

    def delay(self, url: str) -> float:
        """Return the seconds to wait between pages, at most 10."""
        asked = self._rules(url).crawl_delay(AGENT)
        return min(float(asked or 0), _LONGEST_DELAY)

    def _rules(self, url: str) -> RobotFileParser:
        parts = urlsplit(url)
        place = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        if place not in self._known:
            page = self._fetcher.get(place)
            if page.status >= 500:
                raise LoadError(f"'{place}' answers {page.status}, so nobody can tell what may be read.", "Try later.")
            rules = RobotFileParser()
            # A site without one, 4xx, allows everything.
            rules.parse(page.body.decode("utf-8", "replace").splitlines() if page.status < 400 else [])
            self._known[place] = rules
        return self._known[place]
