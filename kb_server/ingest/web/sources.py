"""Web pages as sources: each page's bytes in a file for the time of the ingest, named by its URL."""

import mimetypes
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from kb_server.ingest.sources import Failure, Gathered, SourceFile, document_name, printable
from kb_server.ingest.web.crawler import Crawler, FetchedPage
from kb_server.ingest.web.fetcher import Page

_SUFFIXES = {"text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md"}


def fetch_sources(
    urls: Iterable[str], crawler: Crawler, depth: int, folder: Path, on_page: Callable[[str], None] = lambda _: None
) -> Gathered:
    """Fetch pages into the folder; those that cannot be had are failures with the reason."""
    gathered = Gathered()
    for url in urls:
        for fetched in crawler.crawl(url, depth):
            on_page(fetched.url)
            _add(gathered, fetched, folder)
    return gathered


def _add(gathered: Gathered, fetched: FetchedPage, folder: Path) -> None:
    if fetched.page is None:
        gathered.failures.append(Failure(printable(fetched.url), str(fetched.error)))
        return
    path = folder / secrets.token_hex(8)
    path.write_bytes(fetched.page.body)
    name = document_name(fetched.url)
    if all(source.name != name for source in gathered.sources):
        gathered.sources.append(
            SourceFile(path, name, len(fetched.page.body), origin=fetched.url, read_as=_file_name(fetched.page))
        )


def _file_name(page: Page) -> str:
    """Return the name a browser would save the page under: its suffix goes by the type that the server declared."""
    last = PurePosixPath(urlsplit(page.url).path).name or "index"
    suffix = _SUFFIXES.get(page.kind) or mimetypes.guess_extension(page.kind) or ""
    return last if not suffix or last.lower().endswith(suffix) else last + suffix
