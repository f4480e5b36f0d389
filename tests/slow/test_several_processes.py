"""Several API processes on one home and one catalog, SQLite or PostgreSQL: any of them takes work, any may die."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import HANDBOOK, Server, finished, upload
from tests.postgresql import PostgresServer, find_programs

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed (Debian: apt-get install postgresql).")
    pytest.importorskip("psycopg", reason="The extra 'postgresql' is not installed.")
    server = PostgresServer(programs)
    yield {"KB_CATALOG": server.new_database()}
    server.stop()


@pytest.fixture
def pair(tmp_path: Path, catalog: dict[str, str]) -> Iterator[tuple[Server, Server]]:
    first, second = Server(tmp_path / "home", **catalog), Server(tmp_path / "home", **catalog)
    second.key = first.key = first.key or second.key
    yield first, second
    for server in (first, second):
        if server.process.poll() is None:
            server.kill()


def found(server: Server, question: str) -> list[str]:
    """Return the documents that a process finds for a question."""
    with server.client() as client:
        response = client.post("/api/v1/search", json={"question": question, "knowledge_bases": ["handbook"], "k": 3})
        assert response.status_code == 200, response.text
        return [hit["document"] for hit in response.json()["hits"]]


def test_what_one_takes_in_the_other_finds_and_a_dead_ones_jobs_are_done(pair: tuple[Server, Server]) -> None:
    first, second = pair
    with first.client() as client:
        assert client.post("/api/v1/knowledge-bases", json={"name": "handbook"}).status_code == 201
        job = upload(client, "handbook", HANDBOOK)["id"]
        assert finished(client, job)["state"] == "done"
    assert found(second, "How do I reset the device?")[0] == "device.txt"
    assert found(first, "报销单由谁签字？")[0] == "出差.txt"

    more = {f"{number:03d}.txt": f"Machine {number} stands in hall {number % 7}.\n\n" * 20 for number in range(40)}
    with first.client() as client:
        job = upload(client, "handbook", more)["id"]
    first.kill()
    with second.client() as client:
        done = finished(client, job, 240)
        assert (done["state"], done["files"]["done"]) == ("done", 40)
        documents = client.get("/api/v1/knowledge-bases/handbook/documents?limit=100").json()["documents"]
    assert {document["state"] for document in documents} == {"indexed"}
    assert len(documents) == len(HANDBOOK) + 40
    assert "017.txt" in found(second, "Where does machine 17 stand?")
