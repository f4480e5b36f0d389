"""RFC 9309, by its sections: which group is ours, which rule wins, and what no robots.txt means."""

import time
from http.server import ThreadingHTTPServer

import pytest

from kb_server.core.errors import LoadError
from kb_server.ingest.web.fetcher import AGENT, Fetcher
from kb_server.ingest.web.robots import Robots, parse_robots

ALL = "User-agent: *\n"


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Disallow: /*.pdf$", "/a/b.pdf", False),
        ("Disallow: /*.pdf$", "/a/b.pdf?page=1", True),
        ("Disallow: /*.pdf", "/a/b.pdf?page=1", False),
        ("Disallow: /a/*/private", "/a/x/y/private/z", False),
        ("Disallow: /a/*/private", "/a/private", True),
        ("Disallow: /*?session=", "/a?session=1", False),
        ("Disallow: /docs\nAllow: /docs/open", "/docs/open/a", True),
        ("Allow: /docs\nDisallow: /docs/*/closed", "/docs/x/closed", False),
        ("Disallow: /a\nAllow: /a", "/a", True),
        ("Disallow: /a", "/A", True),
        ("Disallow: /~joe/", "/%7Ejoe/x", False),
        ("Disallow: /私/", "/%E7%A7%81/x", False),
        ("Disallow:", "/a", True),
        ("\nDisallow: /a # a comment", "/a", False),
        ("Sitemap: https://example.org/map\nNonsense\nDisallow: /a", "/a", False),
    ],
)
def test_the_longest_rule_that_matches_decides(rules: str, path: str, allowed: bool) -> None:
    assert parse_robots((ALL + rules).encode()).can_fetch(f"https://example.org{path}", AGENT) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /\n\nUser-agent: KB-Server\nDisallow: /b", True),
        ("User-agent: kb-server/2.0 # that of last year\nDisallow: /a", False),
        ("User-agent: kb\nDisallow: /", True),
        ("User-agent: kb-server-pro\nDisallow: /", True),
        ("User-agent: other\nUser-agent: kb-server\nDisallow: /a", False),
        ("User-agent: kb-server\nDisallow: /b\nUser-agent: x\nDisallow: /\nUser-agent: kb-server\nDisallow: /a", False),
        ("User-agent: other\nDisallow: /", True),
        ("Disallow: /", True),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", False),
        ("", True),
        ("<!doctype html><p>Not here</p>", True),
    ],
)  # fmt: skip
def test_the_group_that_is_ours(text: str, allowed: bool) -> None:
    assert parse_robots(text.encode()).can_fetch("https://example.org/a", AGENT) is allowed


def test_bytes_of_another_encoding_do_no_harm() -> None:
    rules = parse_robots(ALL.encode() + "Disallow: /私\n".encode("gbk") + b"Disallow: /a\n")
    assert not rules.can_fetch("https://example.org/a", AGENT)


def test_at_least_500_kib_are_read_and_no_more() -> None:
    filler = ALL.encode() + b"# filler\n" * 56_000
    assert not parse_robots(filler + b"Disallow: /a").can_fetch("https://example.org/a", AGENT)
    assert parse_robots(filler + b"#" * 9_000 + b"\nDisallow: /a").can_fetch("https://example.org/a", AGENT)


def test_a_file_of_nothing_but_agents_and_rules_takes_a_moment_only() -> None:
    """A copy of each rule for each agent would be 200 million of them."""
    agents = "".join(f"User agent a{number}\n" for number in range(14_000))
    started = time.monotonic()
    assert parse_robots((agents + "Disallow: /\n" * 15_000).encode()).can_fetch("https://example.org/a", AGENT)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("asked", "seconds"), [("0.5", 0.5), ("3", 3), ("86400", 10), ("-1", 0), ("nan", 0), ("x", 0)])
def test_the_pause_between_pages(
    site: str, server: ThreadingHTTPServer, fetcher: Fetcher, asked: str, seconds: float
) -> None:
    server.robots = (200, f"{ALL}Crawl-delay: {asked}\n".encode())  # type: ignore[attr-defined]  # read by the handler
    assert Robots(fetcher).delay(f"{site}/a") == seconds


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
def test_a_site_without_one_allows_everything(
    site: str, server: ThreadingHTTPServer, fetcher: Fetcher, status: int
) -> None:
    server.robots = (status, f"{ALL}Disallow: /".encode())  # type: ignore[attr-defined]  # read by the handler
    Robots(fetcher).check(f"{site}/a")


@pytest.mark.parametrize("status", [500, 503])
def test_a_site_that_fails_allows_nothing(
    site: str, server: ThreadingHTTPServer, fetcher: Fetcher, status: int
) -> None:
    server.robots = (status, b"")  # type: ignore[attr-defined]  # read by the handler
    with pytest.raises(LoadError, match=f"answers {status}, so nobody can tell"):
        Robots(fetcher).check(f"{site}/a")


def test_a_site_that_is_not_there_allows_nothing(fetcher: Fetcher) -> None:
    with pytest.raises(LoadError, match=r"robots\.txt' could not be fetched"):
        Robots(fetcher).check("http://127.0.0.1:1/a")
