"""Questions made from a text: answered by it, clear, reproducible, and unanswerable where they say so."""

import pytest

from kb_server.calibration.cloze import candidates
from kb_server.calibration.questions import MadeQuestion, make_questions
from kb_server.core.domain import Chunk

PAPERS = {
    "printers.csv": "device: PR-02 printer; location: Office 2F; report: The fuser was replaced after 52000 pages.\n"
    "device: AC-01 air conditioner; location: Warehouse; report: The filter was cleaned.",
    "manual.pdf": "The bundled embedding model reads at most 256 tokens of a chunk. "
    "The method was published by Urvashi Khandelwal in the spring of 2020. It needs 64 rows.",
    "policy.html": "The rules of the visitor network came into force on 1 March 2026 for all guests of the company.",
    "glossary.txt": "Datastore: the memory of the model that maps a hidden state to a word.\n"
    "Lambda is the weight of the words that were looked up in the memory.",
    "员工手册.docx": "正式员工离职须提前 30 天书面通知公司人事部门。公司食堂于 2019 年在东厂区建成。\n"
    "正式员工每年享受《职工带薪休假规定》所列的假期与补贴。正式员工须按时打卡。",
    "faq.md": "Do I need a graphics card?\n\nNo graphics card is needed with the default profile.",
}
HEADINGS = {"faq.md": ("FAQ", "Do I need a graphics card?")}


def _chunks() -> list[Chunk]:
    return [
        Chunk(
            id=i,
            document_id=1,
            document=name,
            text=text,
            start=0,
            end=len(text),
            page=None,
            heading_path=HEADINGS.get(name, ()),
        )
        for i, (name, text) in enumerate(PAPERS.items(), 1)
    ]


def _asked(text: str, *headings: str) -> dict[str, tuple[str, str]]:
    found = candidates(
        Chunk(id=1, document_id=1, document="a", text=text, start=0, end=len(text), page=None, heading_path=headings)
    )
    return {item.question: (item.answer, item.kind) for item in found}


@pytest.mark.parametrize(
    ("sentence", "question", "answer", "kind"),
    [
        (
            "The bundled embedding model reads at most 256 tokens of a chunk.",
            "The bundled embedding model reads at most how many tokens of a chunk?",
            "256 tokens",
            "number",
        ),
        ("正式员工离职须提前 30 天书面通知公司。", "正式员工离职须提前多少天书面通知公司？", "30 天", "number"),
        ("公司食堂于 2019 年在东厂区建成。", "公司食堂于哪一年在东厂区建成？", "2019 年", "year"),
        ("本手册自 2026 年 1 月 1 日起在全公司施行。", "本手册自哪一天起在全公司施行？", "2026 年 1 月 1 日", "date"),
        ("职工假期按《带薪休假规定》逐年执行。", "职工假期按什么逐年执行？", "《带薪休假规定》", "title"),
        (
            "The network rules came into force on 1 March 2026 for guests.",
            "The network rules came into force on which date for guests?",
            "1 March 2026",
            "date",
        ),
        (
            "The famous old bridge was designed by Joseph Strauss in California.",
            "The famous old bridge was designed by who or what in California?",
            "Joseph Strauss",
            "name",
        ),
        ("Datastore: the memory of the model.", "What is Datastore?", "the memory of the model", "definition"),
        ("知识库是指一组可以一起检索的文档。", "什么是知识库？", "一组可以一起检索的文档", "definition"),
        ("device: PR-02; location: Office 2F", "What is the location of device PR-02?", "Office 2F", "row"),
        ("设备：", "", "", ""),
    ],
)
def test_what_a_sentence_is_asked(sentence: str, question: str, answer: str, kind: str) -> None:
    found = _asked(sentence)
    assert found.get(question) == ((answer, kind) if question else None)


@pytest.mark.parametrize(
    "sentence",
    [
        "It was finished by 300 workers in the year of the flood.",  # what was?
        "他们在 1998 年搬到了新的办公大楼。",
        "1. Search: the matching chunks are looked up in two ways.",  # a list's number
        "Version 0.1.0 is the first release of the whole program.",
        "The score of a chunk always lies on a scale between 0 and 1.",  # a bare digit stands everywhere
        "In the 1970s the company moved to another town nearby.",
        "Wing 12 has 12 rooms and another dozen of cellars below.",  # the other 12 gives it away
        "Short 77.",
    ],
)
def test_what_is_not_asked(sentence: str) -> None:
    assert _asked(sentence) == {}


def test_a_heading_that_is_a_question_is_asked_as_it_is() -> None:
    text, heading = PAPERS["faq.md"], "Do I need a graphics card?"
    assert _asked(text, "FAQ", heading)[heading] == ("No graphics card is needed with the default profile.", "heading")


def _made(seed: int = 0) -> list[MadeQuestion]:
    return make_questions(_chunks(), 10, 6, seed)


def test_every_answer_stands_in_every_document_that_is_named() -> None:
    answerable = [made for made in _made() if made.case.answerable]
    assert len(answerable) >= 8
    for made in answerable:
        assert made.chunk is not None
        assert made.chunk.document in made.case.documents
        assert all(made.case.answers[0] in PAPERS[name] for name in made.case.documents)
        assert made.case.answers[0] not in made.case.question


def test_unanswerable_questions_name_what_no_document_has() -> None:
    others = [made.case for made in _made() if not made.case.answerable]
    assert len(others) == 6
    assert {case.kind for case in others} == {"swapped", "invented"}
    assert all(case.answers == case.documents == () for case in others)
    asked = {made.case.question for made in make_questions(_chunks(), 50, 0)}
    assert not asked & {case.question for case in others}


def test_the_same_seed_gives_the_same_questions() -> None:
    assert _made() == _made()
    assert [made.case for made in _made()] != [made.case for made in _made(1)]
    assert len({made.case.id for made in _made()}) == len(_made())


def test_an_ambiguous_question_is_left_out() -> None:
    twins = [
        Chunk(
            id=i,
            document_id=1,
            document=f"{i}.txt",
            text=f"The annual report of the board counts {n} members in all regions.",
            start=0,
            end=60,
            page=None,
            heading_path=(),
        )
        for i, n in enumerate((311, 542))
    ]
    assert make_questions(twins, 5, 0) == []
    assert len(make_questions(twins[:1], 5, 0)) == 1


def test_the_same_sentence_in_two_documents_names_both() -> None:
    text = "The annual report of the board counts 311 members in all regions."
    both = [
        Chunk(id=i, document_id=1, document=f"{i}.txt", text=text, start=0, end=len(text), page=None, heading_path=())
        for i in range(2)
    ]
    (made,) = make_questions(both, 5, 0)
    assert made.case.documents == ("0.txt", "1.txt")


def test_nothing_gives_nothing() -> None:
    assert make_questions([], 5, 5) == []
