"""A page and, if asked for, the pages of the same site that it links to."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

from bs4 import BeautifulSoup
from bs4.element import Tag

from kb_server.core.errors import KbError, LoadError
from kb_server.ingest.web.address import port_of
from kb_server.ingest.web.fetcher import AGENT, Fetcher, Page

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


_HTML = ("text/html", "application/xhtml+xml")

_LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A URL that was asked for, and its page or the reason why there is none."""

    url: str
    page: Page | None = None
    error: KbError | None = None


class Crawler:
    """Reads sites page by page, nearest first."""

    def __init__(self, fetcher: Fetcher, most_pages: int) -> None:
        self._fetcher = fetcher
        self._robots = Robots(fetcher)
        self._most_pages = most_pages

    def crawl(self, start: str, depth: int = 0) -> Iterator[FetchedPage]:
        """Yield the page, then those up to `depth` links away on the same host; each once, at most `most_pages`."""
        waiting = deque([(urldefrag(start).url, 0)])
        seen = {waiting[0][0]}
        home: tuple[str, str | None, int] | None = None
        for count in range(self._most_pages):
            if not waiting:
                return
            url, links = waiting.popleft()
            fetched = self._fetch(url, home, wait=count > 0)
            yield fetched
            if fetched.page is None:
                continue
            home = home or _origin(urlsplit(fetched.page.url))
            if links < depth:
                new = [link for link in links_of(fetched.page) if link not in seen and _origin(urlsplit(link)) == home]
                seen.update(new)
                waiting += [(link, links + 1) for link in new]

    def _fetch(self, url: str, home: tuple[str, str | None, int] | None, *, wait: bool) -> FetchedPage:
        try:
            self._robots.check(url)
            if wait:
                sleep(self._robots.delay(url))
            page = self._fetcher.get(url)
            if page.url != url:
                self._robots.check(page.url)
            if page.status >= 400:
                raise LoadError(f"'{url}' answers {page.status}.", "Check the address.")
            if home is not None and _origin(urlsplit(page.url)) != home:
                raise LoadError(f"'{url}' leads away to '{page.url}'.", "Give that address if you want the page.")
        except KbError as error:
            return FetchedPage(url, error=error)
        return FetchedPage(url, page)


def links_of(page: Page) -> list[str]:
    """Return the http addresses that a page links to, in order, without fragments, each once."""
    if page.kind not in _HTML:
        return []
    soup = BeautifulSoup(page.body, "html.parser")
    base = soup.find("base", href=True)
    root = urljoin(page.url, str(base["href"])) if isinstance(base, Tag) else page.url
    links = (_absolute(root, str(anchor["href"])) for anchor in soup.find_all("a", href=True))
    return list(dict.fromkeys(link for link in links if link))


def _absolute(root: str, link: str) -> str:
    try:
        url = urldefrag(urljoin(root, link.strip())).url
        parts = urlsplit(url)
        _origin(parts)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and len(url) <= _LONGEST_URL else ""


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, port_of(parts) if parts.scheme in ("http", "https") else 0
