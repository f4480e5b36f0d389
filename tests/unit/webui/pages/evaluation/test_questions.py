"""What a person does in the table of questions."""

from tests.ui.fake_service import FakeService
from webui.client.connection import Connection
from webui.client.evaluations import Case, Evaluations
from webui.pages.evaluation.questions import _case, _keep, _row

KNOWN = Case(
    question="Who built it?",
    answers=("Ann", "Ann Lee"),
    documents=("a.txt",),
    parts=(("Ann",), ("Lee",)),
    kind="name",
    id=7,
)
PLACE = "/api/v1/knowledge-bases/handbook/cases"


def test_a_row_that_is_not_touched_is_the_same_case() -> None:
    assert _case(_row(KNOWN), KNOWN) == KNOWN


def test_what_a_table_cannot_show_stays_when_a_cell_is_edited() -> None:
    edited = _case({**_row(KNOWN), "answers": " Bob \n\n Bob Ray\n"}, KNOWN)
    assert edited == KNOWN.model_copy(update={"answers": ("Bob", "Bob Ray")})


def test_a_new_row_may_leave_everything_out_but_the_question() -> None:
    made = _case({"question": " Who? ", "answers": None}, None)
    assert made == Case(question="Who?")


def test_rows_that_were_edited_added_and_deleted_are_sent(fake: FakeService) -> None:
    other = KNOWN.model_copy(update={"id": 8, "question": "When?"})
    changes = {
        "edited_rows": {"0": {"answerable": False}},
        "added_rows": [{"question": "  "}, {"question": "Where?"}, {}],
        "deleted_rows": [1],
    }
    _keep(Evaluations(Connection(fake.url, "key"), "handbook"), [KNOWN, other], changes)
    sent = [(method, path) for method, path, _ in fake.calls]
    assert sent == [("PUT", f"{PLACE}/7"), ("POST", PLACE), ("DELETE", f"{PLACE}/8")]
    (put,), (post,) = fake.called("PUT", f"{PLACE}/7"), fake.called("POST", PLACE)
    assert (put["answerable"], put["parts"]) == (False, [["Ann"], ["Lee"]])
    assert [case["question"] for case in post["cases"]] == ["Where?"]
