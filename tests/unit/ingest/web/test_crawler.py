"""Which pages of a site are read."""

from http.server import ThreadingHTTPServer
from pathlib import Path

from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.fetcher import Fetcher
from kb_server.ingest.web.sources import fetch_sources


def crawled(crawler: Crawler, site: str, depth: int) -> dict[str, str]:
    return {each.url.removeprefix(site): str(each.error or "") for each in crawler.crawl(f"{site}/", depth)}


def test_depth_bounds_the_walk(site: str, fetcher: Fetcher) -> None:
    crawler = Crawler(fetcher, 100)
    assert list(crawled(crawler, site, 0)) == ["/"]
    assert list(crawled(crawler, site, 1)) == ["/", "/a", "/b"]
    assert list(crawled(crawler, site, 2)) == ["/", "/a", "/b", "/deep", "/private/x", "/gone"]


def test_robots_and_missing_pages_are_told(site: str, fetcher: Fetcher, server: ThreadingHTTPServer) -> None:
    found = crawled(Crawler(fetcher, 100), site, 2)
    assert "robots.txt" in found["/private/x"]
    assert "404" in found["/gone"]
    assert found["/a"] == ""
    served: list[str] = server.served  # type: ignore[attr-defined]  # put there by the fixture
    assert served.count("/robots.txt") == 1
    assert "/private/x" not in served


def test_pages_are_bounded(site: str, fetcher: Fetcher) -> None:
    assert len(crawled(Crawler(fetcher, 3), site, 9)) == 3


def test_pages_become_sources_named_by_their_address(site: str, fetcher: Fetcher, tmp_path: Path) -> None:
    gathered = fetch_sources([f"{site}/a", f"{site}/gone"], Crawler(fetcher, 10), 0, tmp_path)
    (source,) = gathered.sources
    assert (source.name, source.read_as, source.origin) == (f"{site}/a", "a.html", f"{site}/a")
    assert b"199 steps" in source.path.read_bytes()
    (failure,) = gathered.failures
    assert (failure.path, "404" in failure.reason) == (f"{site}/gone", True)
