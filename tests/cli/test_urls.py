"""`kb ingest NAME https://…`: pages by their address."""

import pytest

from kb_server.ingest.service import IngestService
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits
from tests.cli.conftest import Kb
from tests.unit.ingest.web.conftest import LOOPBACK, server, site

__all__ = ["server", "site"]


def test_a_page_is_ingested_under_its_address(kb: Kb, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.json("create", "notes")
    monkeypatch.setattr(IngestService, "crawler", Crawler(Fetcher(FetchLimits(), LOOPBACK), 10))
    result = kb("ingest", "notes", f"{site}/", "--depth", "2", "--json")
    assert result.status == 3
    assert result.out["added"] == 4
    assert {failure["path"] for failure in result.out["failed"]} == {f"{site}/private/x", f"{site}/gone"}
    (hit, *_) = kb.json("search", "notes", "How many steps has the lighthouse?")["hits"]
    assert hit["document"] == f"{site}/a"
    assert kb("ingest", "notes", f"{site}/", "--json").out["unchanged"] == 1


def test_pages_of_this_machine_are_not_fetched(kb: Kb, site: str) -> None:
    kb.json("create", "notes")
    result = kb("ingest", "notes", f"{site}/", "--json")
    assert result.status == 1
    assert "not a public address" in result.out["failed"][0]["reason"]
