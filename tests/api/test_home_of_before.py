"""A data root that version 0.1.0 left in the middle of its work (tests/data/make_home.py) opens and answers."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import HANDBOOK, Server, finished, problem
from tests.cli.conftest import Kb
from tests.paths import DATA

PLACE = "/api/v1/knowledge-bases/handbook"
CANTEEN = "The canteen serves lunch from noon to half past one, and closes on public holidays."


def unpacked(folder: Path) -> Path:
    """Unpack the home into a folder, with its key beside it."""
    with zipfile.ZipFile(DATA / "home-0.1.zip") as archive:
        archive.extractall(folder)
    return folder / "home"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the home."""
    home = unpacked(tmp_path_factory.mktemp("before"))
    running = Server(home)
    running.key = (home.parent / "key").read_text()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """Return a client with the key of then."""
    with server.client() as client:
        yield client


def jobs(client: httpx.Client) -> list[Any]:
    """Return the jobs of the base, the oldest first."""
    listed: list[Any] = client.get("/api/v1/jobs", params={"knowledge_base": "handbook"}).json()["jobs"]
    return listed[::-1]


def test_the_job_that_waited_runs_to_its_end(server: Server, client: httpx.Client) -> None:
    *over, waiting = jobs(client)
    assert [job["state"] for job in over] == ["done"] * 5
    job = finished(client, waiting["id"])
    assert (job["state"], job["files"]["done"], job["files"]["failed"]) == ("done", 1, 0), job
    found = search(client, "Where are the winter tyres?")
    assert found[0]["document"] == "waits.txt"
    assert not (server.home / "uploads" / job["id"]).exists()


def test_a_failed_file_is_still_there_to_be_tried_again(client: httpx.Client) -> None:
    (job,) = [job for job in jobs(client) if job["files"]["failed"]]
    assert client.post(f"/api/v1/jobs/{job['id']}/retry").status_code == 200
    again = finished(client, job["id"])
    assert [(file["name"], file["state"]) for file in again["details"]] == [("broken.pdf", "failed")]
    assert "damaged PDF" in again["details"][0]["reason"]


def test_the_base_and_its_documents_are_listed(client: httpx.Client) -> None:
    listed = {one["name"]: one for one in client.get("/api/v1/knowledge-bases").json()["knowledge_bases"]}
    base = listed["handbook"]
    assert (base["store"], base["description"]) == ("faiss", "Devices and travel 设备与出差")
    documents = client.get(f"{PLACE}/documents").json()["documents"]
    indexed = {one["name"] for one in documents if one["state"] == "indexed"} - {"waits.txt"}
    assert indexed == {"device.txt", "出差.txt", "notice-a.txt", "notice-c.txt", "owl.txt", "tea.txt"}
    assert [one["name"] for one in documents if one["state"] == "failed"] == ["broken.pdf"]
    (travel,) = [one for one in documents if one["name"] == "出差.txt"]
    assert sorted(travel["tags"]) == ["2026", "travel"]
    kept = client.get(f"{PLACE}/documents/{travel['id']}/content")
    assert kept.content.decode() == HANDBOOK["出差.txt"]


def search(client: httpx.Client, question: str, **options: object) -> list[Any]:
    """Return the hits."""
    body = {"knowledge_bases": ["handbook"], "question": question, **options}
    hits: list[Any] = client.post("/api/v1/search", json=body).raise_for_status().json()["hits"]
    return hits


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
@pytest.mark.parametrize(
    ("question", "document"),
    [("How is the device reset?", "device.txt"), ("谁签字报销单？", "出差.txt"), ("When is tea served?", "tea.txt")],
)
def test_it_is_searched_each_way(client: httpx.Client, mode: str, question: str, document: str) -> None:
    assert search(client, question, mode=mode)[0]["document"] == document


def test_only_tagged_documents_are_searched(client: httpx.Client) -> None:
    found = search(client, "How is the device reset?", only={"tags": ["travel"]}, mode="dense")
    assert {hit["document"] for hit in found} == {"出差.txt"}


def test_a_text_that_two_documents_share_is_found_once(client: httpx.Client) -> None:
    found = [hit for hit in search(client, "When does the canteen serve lunch?") if hit["text"].strip() == CANTEEN]
    assert [hit["document"] for hit in found] in (["notice-a.txt"], ["notice-c.txt"])


def test_an_edited_chunk_has_its_words_and_the_original(client: httpx.Client) -> None:
    hit = search(client, "How much does the eagle weigh?")[0]
    assert (hit["document"], hit["edited"]) == ("owl.txt", True)
    assert "6 kilograms" in hit["text"]
    reverted = client.post(f"{PLACE}/chunks/{hit['chunk_id']}/revert").json()
    assert reverted["text"].strip() == "The owl sleeps by day. It hunts mice in the barn."
    assert search(client, "owl", mode="lexical")[0]["chunk_id"] == hit["chunk_id"]


@pytest.mark.parametrize(
    ("question", "said", "document"),
    [("How long is the red button held?", "seven seconds", "device.txt"), ("报销单由谁签字？", "部门经理", "出差.txt")],
)
def test_it_answers_with_citations_that_stand_in_the_documents(
    client: httpx.Client, question: str, said: str, document: str
) -> None:
    body = {"knowledge_base": "handbook", "question": question, "mode": "extract", "stream": False}
    answer = client.post("/api/v1/chat", json=body).json()
    assert said in answer["answer"]
    cited = [citation for citation in answer["citations"] if citation["document"] == document]
    assert cited
    text = str(HANDBOOK[document])
    for citation in cited:
        assert citation["supported"]
        assert citation["quote"] in text[citation["start"] : citation["end"]]


def test_what_it_does_not_hold_is_refused(client: httpx.Client) -> None:
    body = {"knowledge_base": "handbook", "question": "Who won the cup in 1998?", "mode": "extract", "stream": False}
    assert client.post("/api/v1/chat", json=body).json()["refused"]


def test_the_kept_conversation_is_shown_and_goes_on(client: httpx.Client) -> None:
    (kept,) = client.get("/api/v1/conversations").json()["conversations"]
    assert kept["title"] == "How is the device reset?"
    turns = client.get(f"/api/v1/conversations/{kept['id']}").json()["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert (turns[3]["score"], turns[2]["content"]) == (90, "报销单由谁签字？")
    for turn, document in ((turns[1], "device.txt"), (turns[3], "出差.txt")):
        (citation, *_) = turn["answer"]["citations"]
        assert citation["document"] == document
        assert citation["quote"] in str(HANDBOOK[document])[citation["start"] : citation["end"]]
        shown = client.get(f"{PLACE}/chunks/{citation['chunk_id']}").json()
        assert citation["quote"] in shown["text"]
    more = {"knowledge_base": "handbook", "question": "How often is the filter changed?", "conversation_id": kept["id"]}
    answer = client.post("/api/v1/chat", json={**more, "mode": "extract", "stream": False}).json()
    assert "400 hours" in answer["answer"]
    assert len(client.get(f"/api/v1/conversations/{kept['id']}").json()["messages"]) == 6


def test_cases_and_their_run_are_kept(client: httpx.Client) -> None:
    cases = client.get(f"{PLACE}/cases").json()["cases"]
    assert [case["answerable"] for case in cases] == [True, False]
    (run,) = client.get(f"{PLACE}/evaluations").json()["runs"]
    detail = client.get(f"{PLACE}/evaluations/{run['id']}").json()
    assert (detail["result"]["n"], detail["summary"]["answers"]["contains"]) == (2, 1.0)
    new = client.post(f"{PLACE}/evaluations", json={"mode": "extract"}).json()["id"]
    assert finished(client, new)["state"] == "done"
    compared = client.get(f"{PLACE}/evaluations/{run['id']}/compare/{new}").json()
    assert compared["metrics"]["contains"]["difference"] == 0


def test_the_key_of_then_is_the_only_one(server: Server, client: httpx.Client) -> None:
    assert [key["name"] for key in client.get("/api/v1/keys").json()["keys"]] == ["first"]
    with server.client("kb_of_nobody") as stranger:
        problem(stranger.get("/api/v1/knowledge-bases"), 401, "unauthorized")


def answer_of(kb: Kb, base: str, question: str) -> str:
    """Return the answer of a base at the terminal."""
    answer: str = kb.json("ask", base, question, "--mode", "extract")["answer"]
    return answer


def test_the_snapshot_is_restored_and_undone(tmp_path: Path) -> None:
    kb = Kb(unpacked(tmp_path))
    difference = kb.json("snapshot", "restore", "handbook", "before")
    assert {"notice-b.txt", "tea.txt"} <= {*difference["added"], *difference["changed"]}
    assert answer_of(kb, "handbook", "When is tea served?").startswith("Tea is served at four.")
    kb.json("snapshot", "restore", "handbook", difference["undo"])
    assert answer_of(kb, "handbook", "When is tea served?").startswith("Tea is served at five.")
    assert "notice-b.txt" not in {document["name"] for document in kb.json("docs", "handbook")["documents"]}


@pytest.mark.parametrize("name", ["half", "nameless"])
def test_an_import_that_was_killed_is_removed_and_done_again(tmp_path: Path, name: str) -> None:
    """`half` was killed before its documents counted, `nameless` before the base got its name."""
    kb, archive = Kb(unpacked(tmp_path)), tmp_path / "handbook.zip"
    bases = [base["name"] for base in kb.json("list")["knowledge_bases"]]
    (unfinished,) = [base for base in bases if base.startswith(f"{name} (importing ")]
    kb.json("delete", unfinished, "--yes")
    assert len(list((kb.home / "bases").iterdir())) == 2
    kb.json("export", "handbook", archive)
    kb.json("import", archive, "--name", name)  # checks every sum and every vector of the export
    assert "seven seconds" in answer_of(kb, name, "How long is the red button held?")


def test_documents_go_in_and_out_as_before(tmp_path: Path) -> None:
    kb, folder = Kb(unpacked(tmp_path)), tmp_path / "texts"
    folder.mkdir()
    (folder / "device.txt").write_text(str(HANDBOOK["device.txt"]), "utf-8")
    (folder / "tea.txt").write_text("Tea is served at six.\n", "utf-8")
    (folder / "new.txt").write_text(CANTEEN, "utf-8")
    report = kb.json("ingest", "handbook", folder)
    assert (report["added"], report["updated"], report["unchanged"], report["failed"]) == (1, 1, 1, [])
    kb.json("remove", "handbook", "notice-a.txt", "notice-c.txt")
    found = kb.json("search", "handbook", "When does the canteen serve lunch?")["hits"]
    assert found[0]["document"] == "new.txt"
    assert not [hit for hit in found if hit["document"].startswith("notice")]
