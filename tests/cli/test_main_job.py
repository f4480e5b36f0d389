"""The main job from empty to deleted, as a person at a terminal does it."""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kb_server.catalog.bases import Bases
from kb_server.catalog.database import Database
from kb_server.catalog.documents import Documents
from kb_server.config.settings import load_settings
from tests.cli.conftest import Kb
from tests.models.openai_server import serving
from tests.paths import SAMPLES

COMMANDS = (
    *("create", "list", "delete", "ingest", "docs", "remove", "search", "ask", "chat", "doctor", "demo"),
    *("evaluate", "compare", "questions", "models", "describe"),
)
QUESTIONS = {
    "What was done to printer PR-02 after 52000 pages?": ("device-maintenance-log.csv", "fuser"),
    "出差回来后，最晚多少天之内要交报销单？": ("员工手册.docx", "报销"),
}
PRINTER = next(iter(QUESTIONS))


def test_all_samples_are_indexed(stocked: Kb) -> None:
    documents = stocked.json("docs", "samples")["documents"]
    assert [document["name"] for document in documents] == sorted(path.name for path in SAMPLES.iterdir())
    assert {document["state"] for document in documents} == {"indexed"}
    assert all(document["chunks"] > 0 and len(document["sha256"]) == 64 for document in documents)
    assert {document["name"] for document in documents if document["pages"]} == {
        "user-manual.pdf",
        "引用核查与拒答说明.pdf",
    }


def test_list_counts_what_docs_shows(stocked: Kb) -> None:
    documents = stocked.json("docs", "samples")["documents"]
    (base,) = stocked.json("list")["knowledge_bases"]
    assert (base["name"], base["documents"]) == ("samples", 13)
    assert base["chunks"] == sum(document["chunks"] for document in documents)
    assert base["fusion"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_search_says_where_each_hit_stands(stocked: Kb, mode: str) -> None:
    hits = stocked.json("search", "samples", "printer PR-02 fuser replaced", "-k", "4", "--mode", mode)["hits"]
    assert 1 <= len(hits) <= 4
    assert hits[0]["document"] == "device-maintenance-log.csv"
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    for hit in hits:
        assert 0 <= hit["score"] <= 1
        assert isinstance(hit["chunk_id"], int)
        assert isinstance(hit["heading_path"], list)
        assert hit["page"] is None or hit["page"] >= 1
        assert hit["text"] == text_of(stocked, hit["document"])[hit["start"] : hit["end"]]
        assert set(hit["stages"]) == ({"dense", "lexical"} if mode == "hybrid" else {mode})


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_every_citation_quotes_its_document(stocked: Kb, question: str) -> None:
    answer = stocked.json("ask", "samples", question)
    document, word = QUESTIONS[question]
    assert not answer["refused"]
    assert word in answer["answer"]
    assert document in {citation["document"] for citation in answer["citations"]}
    check_citations(stocked, answer)


def test_a_citation_from_a_pdf_has_its_page(stocked: Kb) -> None:
    question = "How many tokens of a chunk does the bundled embedding model read?"
    answer = stocked.json("ask", "samples", question, "--document", "user-manual.pdf")
    check_citations(stocked, answer)
    pages = {citation["page"] for citation in answer["citations"] if "256 tokens" in citation["quote"]}
    assert pages == {3}


def test_nothing_relevant_enough_is_refused_in_the_language_of_the_question(stocked: Kb) -> None:
    for question, refusal in (("Who won?", "The documents do not say."), ("谁赢了？", "文档中没有提到。")):
        answer = stocked.json("ask", "samples", question, KB_ANSWERING__THRESHOLD="0.99")
        assert (answer["refused"], answer["answer"], answer["citations"]) == (True, refusal, [])


def test_document_filter(stocked: Kb) -> None:
    both = ("--document", "faq.md", "--document", "glossary.txt")
    hits = stocked.json("search", "samples", "model", "-k", "20", *both)["hits"]
    assert {hit["document"] for hit in hits} == {"faq.md", "glossary.txt"}
    assert stocked.json("search", "samples", "model", "--document", "nothing.md")["hits"] == []


def test_ingesting_again_changes_nothing(stocked: Kb) -> None:
    report = stocked.json("ingest", "samples", SAMPLES)
    assert (report["unchanged"], report["added"], report["updated"], report["chunks"]) == (13, 0, 0, 0)


def test_config_stands_before_and_behind_the_command(stocked: Kb, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("retrieval: {k: 2}\n", "utf-8")
    for arguments in (
        ("--config", file, "search", "samples", "printer"),
        ("search", "samples", "printer", "--config", file),
        ("search", "samples", "printer", f"--config={file}"),
    ):
        assert len(stocked.json(*arguments)["hits"]) == 2
    assert len(stocked.json("search", "samples", "printer", KB_CONFIG=str(file))["hits"]) == 2


def test_output_follows_the_locale(stocked: Kb) -> None:
    assert "Documents" in stocked("list", LANG="en_US.UTF-8").out
    chinese = stocked("list", LANG="zh_CN.UTF-8").out
    assert "名称" in chinese
    assert "文档" in chinese
    assert "状态" in stocked("docs", "samples", LANG="zh_CN.UTF-8").out
    assert "Documents" in stocked("list", LANG="zh_CN.UTF-8", KB_LANGUAGE="en").out
    error = stocked("docs", "没有", LANG="zh_CN.UTF-8")
    assert (error.status, error.out) == (2, "")
    assert "错误（找不到）" in error.err
    assert "没有" in error.err


def test_text_output_names_document_and_page(stocked: Kb) -> None:
    found = stocked("search", "samples", "bundled language model 135 million", "--document", "user-manual.pdf")
    assert "user-manual.pdf · p. " in found.out
    chinese = stocked("search", "samples", "引用", "--document", "引用核查与拒答说明.pdf", LANG="zh_CN.UTF-8")
    assert re.search(r"引用核查与拒答说明\.pdf · 第 \d 页", chinese.out)
    answered = stocked("ask", "samples", PRINTER)
    assert "[1]" in answered.out
    assert "device-maintenance-log.csv" in answered.out


def test_chat_takes_two_turns(stocked: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter([PRINTER, "出差回来后，最晚多少天之内要交报销单？", ""])
    monkeypatch.setattr(Console, "input", lambda *_args, **_options: next(lines))
    result = stocked("chat", "samples")
    assert (result.status, result.err) == (0, "")
    assert "fuser" in result.out
    assert "员工手册.docx" in result.out
    assert next(lines, None) is None


def test_chat_ends_at_the_end_of_input(stocked: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_args: object, **_options: object) -> str:
        raise EOFError

    monkeypatch.setattr(Console, "input", ended)
    assert stocked("chat", "samples").status == 0


def test_doctor_reports_every_part(stocked: Kb) -> None:
    report = stocked("doctor", "--json")
    subjects = {check["subject"]: check for check in report.out["checks"]}
    assert {"kb-server", "embedding model", "language model", "data", "catalog", "extra faiss"} <= set(subjects)
    assert report.out["ok"] == all(check["ok"] for check in subjects.values()) == (report.status == 0)
    assert all(check["ok"] or check["mend"] for check in subjects.values())
    assert subjects["catalog"]["found"] == "1 knowledge bases, 13 documents"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_speaks_both_languages(kb: Kb, command: str) -> None:
    shown = kb(command, "--help")
    assert (shown.status, shown.err) == (0, "")
    assert "Usage" in shown.out
    assert re.search(r"[\u4e00-\u9fff]{4}", shown.out)
    assert not kb.home.exists()


@pytest.mark.parametrize("arguments", [("--help",), ()], ids=["asked for", "no arguments"])
def test_help_of_the_whole(kb: Kb, arguments: tuple[str, ...]) -> None:
    root = kb(*arguments)
    assert (root.status, root.err) == (0, "")
    assert "Ask your own documents" in root.out
    assert "向自己的文档提问" in root.out
    assert set(COMMANDS) <= set(re.findall(r"[a-z]+", root.out))


def test_version(kb: Kb) -> None:
    assert re.fullmatch(r"kb-server \d+\.\d+\.\d+\n", kb("--version").out)


def test_change_remove_and_delete(kb: Kb, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "rules").mkdir(parents=True)
    shutil.copy(SAMPLES / "glossary.txt", folder)
    (folder / "rules" / "lunch.md").write_text("# Lunch\n\nThe canteen serves pelmeni on Tuesday.\n", "utf-8")
    (folder / "rules" / "午休.txt").write_text("午休时间是十二点到一点半。\n", "gb18030")
    kb.json("create", "notes")
    assert kb.json("ingest", "notes", folder)["added"] == 3

    inside = kb.json("search", "notes", "canteen", "-k", "20", "--folder", "rules")["hits"]
    assert {hit["document"] for hit in inside} == {"rules/lunch.md", "rules/午休.txt"}
    assert kb.json("search", "notes", "午休时间", "--mode", "lexical")["hits"][0]["text"].startswith("午休时间是十二点")

    (folder / "rules" / "lunch.md").write_text("# Lunch\n\nThe canteen serves ramen on Friday.\n", "utf-8")
    report = kb.json("ingest", "notes", folder)
    assert (report["added"], report["updated"], report["unchanged"]) == (0, 1, 2)
    assert "pelmeni" not in str(kb.json("search", "notes", "pelmeni canteen", "-k", "50"))
    assert kb.json("search", "notes", "pelmeni", "--mode", "lexical")["hits"] == []
    assert "ramen" in kb.json("search", "notes", "ramen", "--mode", "lexical")["hits"][0]["text"]

    assert kb.json("remove", "notes", "rules/lunch.md") == {"removed": ["rules/lunch.md"]}
    assert "ramen" not in str(kb.json("search", "notes", "ramen", "-k", "50")["hits"])
    assert kb.error("remove", "notes", "rules/lunch.md")[1]["code"] == "not_found"
    assert len(kb.json("docs", "notes")["documents"]) == 2

    assert kb.json("delete", "notes") == {"deleted": "notes"}
    assert kb.json("list") == {"knowledge_bases": []}
    assert list((kb.home / "bases").iterdir()) == []


def test_delete_asks_first(kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.json("create", "notes")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert kb("delete", "notes").status == 130
    assert len(kb.json("list")["knowledge_bases"]) == 1
    assert kb("delete", "notes", "--yes").status == 0


def text_of(kb: Kb, document: str) -> str:
    database = Database(load_settings(arguments={"home": kb.home}).catalog_url)
    try:
        return Documents(database, Bases(database).find("samples").id).text(document)
    finally:
        database.close()


def check_citations(kb: Kb, answer: dict[str, Any]) -> None:
    assert answer["citations"]
    hits = {hit["chunk_id"]: hit for hit in answer["hits"]}
    for citation in answer["citations"]:
        hit = hits[citation["chunk_id"]]
        assert (citation["document"], citation["page"]) == (hit["document"], hit["page"])
        assert citation["quote"] in hit["text"]
        assert citation["quote"] == text_of(kb, citation["document"])[citation["start"] : citation["end"]]
        assert f"[{citation['number']}]" in answer["answer"]
        assert citation["supported"]


def test_search_explains_why_a_passage_was_not_found(stocked: Kb) -> None:
    question = "printer PR-02 fuser replaced"
    best = stocked.json("search", "samples", question, "-k", "1")["hits"][0]
    explained = stocked.json("search", "samples", question, "--explain", str(best["chunk_id"]))["explanation"]
    assert explained["document"] == best["document"]
    assert explained["stages"][-1] == {"stage": "fusion", "rank": 1, "score": pytest.approx(best["score"], abs=1e-5)}
    assert all(limit["passed"] for limit in explained["limits"])
    other = next(n for n in range(1, 80) if n != best["chunk_id"])
    explained = stocked.json("search", "samples", question, "-k", "1", "--explain", str(other))["explanation"]
    assert explained["limits"][0] == {"limit": "results", "value": 1, "passed": False}


def test_several_bases_are_asked_in_one_answer(stocked: Kb, tmp_path: Path) -> None:
    stocked.json("create", "cellar")
    note = tmp_path / "cellar.txt"
    note.write_text("The spare fuser for printer PR-02 lies in the cellar, on shelf 14.", "utf-8")
    stocked.json("ingest", "cellar", note)
    question = "Where is the spare fuser for printer PR-02?"
    hits = stocked.json("search", "samples", question, "--also", "cellar")["hits"]
    assert {hit["knowledge_base"] for hit in hits} == {"samples", "cellar"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    answer = stocked.json("ask", "samples", question, "--also", "cellar", "--also", "samples")
    assert ("cellar", "cellar.txt") in {(one["knowledge_base"], one["document"]) for one in answer["citations"]}
    shown = stocked("ask", "samples", question, "--also", "cellar").out
    assert "cellar.txt" in shown
    status, error = stocked.error("ask", "samples", question, "--also", "attic")
    assert (status, error["code"]) == (2, "not_found")
    status, error = stocked.error("search", "samples", question, "--also", "cellar", "--explain", "1")
    assert (status, error["code"]) == (2, "usage")
    stocked.json("delete", "cellar")


def test_a_model_and_a_prompt_of_the_settings_answer(stocked: Kb) -> None:
    pytest.importorskip("langchain_openai", reason="needs the extra `chat-models`")
    with serving() as model:
        model.pieces = ["The fuser was replaced."]
        other = f'[{{"name": "small", "backend": "langchain", "model": "m", "url": "{model.url}"}}]'
        answer = stocked.json(
            "ask", "samples", PRINTER, "--model", "small", "--prompt", "brief", KB_GENERATION__OTHERS=other
        )
    assert (answer["mode"], answer["model"], answer["prompt"]) == ("generate", "small", "brief")
    assert "as few words as will do" in model.requests[0]["messages"][0]["content"]
    status, error = stocked.error("ask", "samples", PRINTER, "--model", "large")
    assert (status, error["code"]) == (2, "not_found")
    assert "SmolLM2-135M-Instruct" in error["hint"]


def test_a_base_is_described(kb: Kb) -> None:
    kb.json("create", "notes", "--description", "Minutes of the [board]")
    kb.json("create", "bare")
    listed = {base["name"]: base["description"] for base in kb.json("list")["knowledge_bases"]}
    assert listed == {"notes": "Minutes of the [board]", "bare": ""}
    assert "Minutes of the [board]" in kb("list").out
    assert kb.json("describe", "notes", "会议记录") == {"name": "notes", "description": "会议记录"}
    assert kb("describe", "notes", "会议记录").out.split() == ["notes", "会议记录"]
    assert kb.error("describe", "nothing", "x")[1]["code"] == "not_found"
    status, error = kb.error("describe", "notes", "x" * 10_001)
    assert (status, error["code"]) == (2, "usage")
    assert "10001" in error["message"]
