"""A page and, if asked for, the pages of the same site that it links to."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup
from bs4.element import Tag

from kb_server.core.errors import KbError, LoadError
from kb_server.ingest.web.address import port_of
from kb_server.ingest.web.fetcher import Fetcher, Page
from kb_server.ingest.web.robots import Robots

_HTML = ("text/html", "application/xhtml+xml")
_LONGEST_URL = 2000

Origin = tuple[str, str | None, int]
"""Scheme, host and port: what makes a site."""


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
        home: Origin | None = None
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
                new = _new_links(fetched.page, home, seen)
                seen.update(new)
                waiting += [(link, links + 1) for link in new]

    def _fetch(self, url: str, home: Origin | None, *, wait: bool) -> FetchedPage:
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


def _new_links(page: Page, home: Origin, seen: set[str]) -> list[str]:
    return [link for link in links_of(page) if link not in seen and _origin(urlsplit(link)) == home]


def _absolute(root: str, link: str) -> str:
    try:
        url = urldefrag(urljoin(root, link.strip())).url
        parts = urlsplit(url)
        _origin(parts)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and len(url) <= _LONGEST_URL else ""


def _origin(parts: SplitResult) -> Origin:
    return parts.scheme, parts.hostname, port_of(parts) if parts.scheme in ("http", "https") else 0
