"""The page of knowledge bases with a fake service."""

from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open, nodes, said, text
from tests.ui.fake_service import FakeService, job

PLACE = "/api/v1/knowledge-bases/handbook"


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


def choose_first(page: AppTest) -> AppTest:
    """Choose the first row of the table, as a click does."""
    page.session_state["documents_handbook"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    return page.run()


def test_tags_are_shown_filtered_and_set(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt", tags=["travel"])
    fake.add_document("pump.txt")
    page = screen("bases")
    assert [list(tags) for tags in page.dataframe[0].value["tags"]] == [["travel"], []]
    page.text_input(key="filter_handbook").set_value("TRAV").run()
    assert list(page.dataframe[0].value["name"]) == ["device.txt"]
    choose_first(page).multiselect(key="tags_handbook_1").set_value(["travel", "2026"]).run()
    assert fake.called("PUT", f"{PLACE}/documents/1/tags") == [{"tags": ["travel", "2026"]}]


def test_a_tag_that_is_none_is_said(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt")
    fake.refusals[("PUT", f"{PLACE}/documents/1/tags")] = (422, "invalid_name", "That cannot be a tag.")
    page = choose_first(screen("bases"))
    page.multiselect(key="tags_handbook_1").set_value(["\n"]).run()
    assert "That cannot be a tag" in said(page)
    assert page.multiselect(key="tags_handbook_1").value == []


def test_who_may_only_read_sees_tags(screen: Open, fake: FakeService) -> None:
    fake.add_document("device.txt", tags=["travel"])
    fake.scope = "read"
    tags = choose_first(screen("bases")).multiselect(key="tags_handbook_1")
    assert (tags.value, tags.disabled) == (["travel"], True)


def test_a_description_is_shown_and_offered_to_edit(screen: Open, fake: FakeService) -> None:
    fake.bases[0]["description"] = "Rules for travel"
    page = screen("bases")
    assert text(nodes(page, "about_handbook")) == "Rules for travel"
    page.button(key="describe_base").click().run()
    assert [field.value for field in page.text_area] == ["Rules for travel"]
    fake.scope = "read"
    assert "describe_base" not in {button.key for button in screen("bases").button}


def manage(page: AppTest) -> AppTest:
    """Open the tab."""
    page.session_state["tabs_handbook"] = next(tab.label for tab in page.tabs if "Manage" in tab.label)
    return page.run()


def test_documents_are_cut_anew(screen: Open, fake: FakeService) -> None:
    page = manage(screen("bases"))
    assert page.number_input(key="cut_size_handbook").value == 300, "as it is now"
    page.number_input(key="cut_size_handbook").set_value(200).run()
    page.number_input(key="cut_overlap_handbook").set_value(200).run()
    assert page.button(key="cut").disabled
    page.number_input(key="cut_overlap_handbook").set_value(40).run()
    page.toggle(key="cut_edited_handbook").set_value(True).run()
    page.button(key="cut").click().run()
    body = {"splitting": {"size": 200, "overlap": 40, "by": "sentences"}, "drop_edits": True}
    assert fake.called("POST", f"{PLACE}/reindex") == [body]
    page.selectbox(key="cut_by_handbook").set_value("delimiter").run()
    page.text_input(key="cut_delimiter_handbook").set_value("---").run()
    page.button(key="cut").click().run()
    assert fake.called("POST", f"{PLACE}/reindex")[1]["splitting"]["delimiter"] == "---"


def test_how_it_fares_and_what_was_left_is_said_where_it_was_begun(screen: Open, fake: FakeService) -> None:
    left = {"document": "*edited*.txt", "edited": 2, "disabled": 1}
    failed = {"path": "gone.txt", "reason": "Its original is not kept."}
    fake.jobs.append(job("reindex", done=3, total=3, result={"left": [left], "failed": [failed]}))
    page = manage(screen("bases"))
    assert "re-index · 3 of 3" in said(page)
    assert "\\*edited\\*\\.txt" in said(page)
    assert "3 of them edited or out of search" in said(page)
    assert "Its original is not kept" in said(page)


def test_only_another_embedding_model_is_offered(screen: Open, fake: FakeService) -> None:
    assert "No other embedding model than MiniLM" in said(manage(screen("bases")))
    fake.embedders += [{"name": name, "chosen": False, "loaded": False} for name in ("MiniLM", "bge")]
    page = manage(screen("bases"))
    assert page.selectbox(key="embedder_handbook").options == ["bge"]
    page.button(key="reindex").click().run()
    assert fake.called("POST", f"{PLACE}/reindex") == [{"embedder": "bge"}]


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
