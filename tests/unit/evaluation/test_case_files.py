"""Every format of cases, and what is said of those that cannot be read."""

import json
from pathlib import Path

import pytest

from kb_server.core.domain import EvalCase
from kb_server.core.errors import NotFound, UsageError
from kb_server.evaluation.case_files import case_from, case_json, read_cases
from kb_server.evaluation.evaluate import DocumentFinder
from tests.paths import DATA

SAMPLES = DATA / "samples.cases.jsonl"


def _write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_json_lines() -> None:
    read = read_cases(SAMPLES)
    assert (len(read.cases), read.problems) == (46, [])
    assert read.cases[0].answers == ("partly failed",)
    assert sum(not case.answerable for case in read.cases) == 6


def test_a_case_survives_being_written() -> None:
    case = EvalCase(
        id="1", question="谁?", answers=("a",), documents=("b.txt",), answerable=False, parts=(("x", "y"),), kind="name"
    )
    assert case_from(json.loads(json.dumps(case_json(case)))) == case


def test_malformed_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "question": "One?"}',
        "{broken",
        "",
        '["a list"]',
        '{"id": "b"}',
        '{"id": "c", "question": "Two?", "answers": "one", "documents": ["x"]}',
        '{"id": "d", "question": "?", "answerable": "maybe"}',
        '{"id": "e", "question": "?", "answers": [1]}',
        '{"id": "a", "question": "Again?"}',
        "[" * 100_000,
    ]
    read = read_cases(_write(tmp_path, "cases.jsonl", "\n".join(lines)))
    assert [case.id for case in read.cases] == ["a", "c"]
    assert read.cases[1].answers == ("one",)
    problems = {problem.where: problem.reason for problem in read.problems}
    assert list(problems) == ["line 2", "line 4", "line 5", "line 7", "line 8", "line 9", "line 10"]
    assert problems["line 9"] == "the id 'a' is used on line 1 already"
    assert "'maybe'" in problems["line 7"]


def test_csv_with_byte_order_mark_quotes_and_lists(tmp_path: Path) -> None:
    head = "\ufeffid,Question,answers,documents,answerable\n"
    text = f'{head}1,"What, then?",a|b,x.txt | y.txt,\n2,谁？,,,no\n3,Q,,,perhaps\n4,a,b,c,d,e\n'
    read = read_cases(_write(tmp_path, "cases.csv", text))
    assert read.cases == [
        EvalCase(id="1", question="What, then?", answers=("a", "b"), documents=("x.txt", "y.txt")),
        EvalCase(id="2", question="谁？", answerable=False),
    ]
    assert [problem.where for problem in read.problems] == ["line 4", "line 5"]
    with pytest.raises(UsageError, match="no column 'question'"):
        read_cases(_write(tmp_path, "other.csv", "a,b\n1,2\n"))


def test_squad_finds_its_documents_by_text(tmp_path: Path) -> None:
    qas = [
        {"id": "1", "question": "When?", "answers": [{"text": "1889", "answer_start": 3}, {"text": "1889"}]},
        {"id": "2", "question": "Who?", "answers": [], "is_impossible": True},
        {"id": "3", "answers": []},
    ]
    squad = {"data": [{"title": "T", "paragraphs": [{"context": "In  1889.", "qas": qas}, {"context": "Lost.", "qas": [
        {"id": "4", "question": "Where?", "answers": []}]}]}]}  # fmt: skip
    texts = {"long.txt": "Before. In 1889. After.", "other.txt": "Other."}
    read = read_cases(_write(tmp_path, "squad.json", json.dumps(squad)), DocumentFinder(list(texts), texts.__getitem__))
    assert read.cases == [
        EvalCase(id="1", question="When?", answers=("1889",), documents=("long.txt",)),
        EvalCase(id="2", question="Who?", answerable=False),
        EvalCase(id="4", question="Where?", answers=(), documents=("T .2",)),
    ]
    assert [problem.where for problem in read.problems] == ["article 1, paragraph 1, question 3"]


def test_rgb_needs_all_its_answers(tmp_path: Path) -> None:
    lines = [
        {"id": 0, "query": "Which?", "answer": ["one", "1"], "positive": ["Passage."], "negative": []},
        {"id": 1, "query": "Both?", "answer": [["a", "A"], ["b"]], "positive": [["P1", "P2"], ["P3"]]},
        {"id": 2, "query": "None?", "answer": [7]},
    ]
    texts = {"p.txt": "Passage.", "q.txt": "P1 P2 P3"}
    file = _write(tmp_path, "rgb.json", "\n".join(map(json.dumps, lines)))
    read = read_cases(file, DocumentFinder(list(texts), texts.__getitem__))
    assert [case.parts for case in read.cases] == [(("one",), ("1",)), (("a", "A"), ("b",))]
    assert [case.documents for case in read.cases] == [("p.txt",), ("q.txt",)]
    assert [problem.where for problem in read.problems] == ["line 3"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("{}", "line 1: no 'question'"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("[]", "no case"),
    ],
)
def test_a_file_without_cases_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_cases(_write(tmp_path, "cases.jsonl", content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.jsonl"):
        read_cases(tmp_path / "no.jsonl")
    with pytest.raises(UsageError):
        read_cases(tmp_path)
