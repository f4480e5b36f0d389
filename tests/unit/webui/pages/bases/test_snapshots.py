"""What differs between two states of a base."""

from tests.ui.conftest import said
from tests.unit.webui.conftest import Draw


def _script(names: dict[str, list[str]]) -> None:
    from webui.client.snapshots import Difference
    from webui.pages.bases.snapshots import draw_difference
    from webui.shell.phrases import Say

    draw_difference(Say("en"), Difference.model_validate({"added": [], "removed": [], "changed": [], **names}))


def test_names_are_listed_by_what_became_of_them(draw: Draw) -> None:
    page = draw(_script, {"added": ["a.txt", "b.txt"], "changed": ["<b>.txt"]})
    assert [text.value for text in page.text] == ["a.txt\nb.txt", "<b>.txt"]
    assert ["(2)" in text.value or "(1)" in text.value for text in page.markdown] == [True, True]
    assert not page.info


def test_a_long_list_is_cut_and_counted(draw: Draw) -> None:
    page = draw(_script, {"removed": [f"{number}.txt" for number in range(1000)]})
    assert "(1000)" in said(page)
    assert page.text[0].value.endswith("\n…")
    assert page.text[0].value.count("\n") <= 200


def test_no_difference_is_said(draw: Draw) -> None:
    page = draw(_script, {})
    assert len(page.info) == 1
