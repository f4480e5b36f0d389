"""The page of knowledge bases with a fake service."""

from tests.ui.conftest import Open, said
from tests.ui.fake_service import FakeService


def test_the_documents_are_in_a_table_that_can_be_filtered(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt")
    fake.add_document("出差.txt", state="failed", error="It is no text.")
    page = screen("bases")
    table = page.dataframe[0].value
    assert list(table["name"]) == ["device.txt", "出差.txt"]
    assert list(table["state"]) == ["ready", "failed"]
    assert list(table["error"]) == ["", "It is no text."]
    page.text_input(key="filter_handbook").set_value("出").run()
    assert list(page.dataframe[0].value["name"]) == ["出差.txt"]
    assert "1 of 2 documents" in said(page)


def test_what_a_key_may_not_do_is_not_shown(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt")
    labels = {button.label for button in screen("bases").button}
    assert {"New knowledge base", "Import a knowledge base"} <= labels
    fake.scope = "read"
    labels = {button.label for button in screen("bases").button}
    assert not {"New knowledge base", "Import a knowledge base"} & labels


def test_both_languages(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt")
    assert "知识库" in screen("bases", "zh").radio[0].label
    assert screen("bases").radio[0].label == "All knowledge bases"
