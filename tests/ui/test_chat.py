"""The chat page with a fake service."""

from datetime import date

from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open, nodes, said, text
from tests.ui.fake_service import PASSAGE, QUOTE, FakeService, answer, hit
from webui.pages.chat.panel import Panel


def ask(page: AppTest, question: str) -> AppTest:
    page.chat_input[0].set_value(question)
    return page.run()


def test_a_question_is_answered_with_a_citation_that_is_a_button(app: AppTest, fake: FakeService) -> None:
    ask(app.run(), "How long?")
    (body,) = fake.called("POST", "/api/v1/chat")
    assert body["knowledge_bases"] == ["handbook"]
    assert (body["question"], body["mode"]) == ("How long?", "extract")
    assert body["conversation_id"] == "c1"
    (paragraph,) = nodes(app, "answer_m1")
    sentence, button = paragraph["children"]
    assert sentence == QUOTE
    assert (button["tag"], button["does"]) == ("button", "1")
    assert "device.txt" in button["says"]
    assert text(nodes(app, "hits_m1_1")) == PASSAGE
    assert "by meaning 0.80" in said(app)


def test_the_conversation_is_in_the_address_and_there_after_a_refresh(app: AppTest, fake: FakeService) -> None:
    ask(app.run(), "How long?")
    assert app.query_params["c"] == "c1"
    again = AppTest.from_file(app._script_path, default_timeout=30)
    again.secrets["service"] = fake.url
    again.query_params["c"] = "c1"
    again.run()
    assert text(nodes(again, "text_m0")) == "How long?"
    assert text(nodes(again, "answer_m1")).startswith(QUOTE)


def test_a_conversation_that_is_gone_is_a_new_one(app: AppTest) -> None:
    app.query_params["c"] = "gone"
    app.run()
    assert not app.exception
    assert app.header[0].value == "What would you like to know?"


def test_a_sentence_without_support_is_marked(app: AppTest, fake: FakeService) -> None:
    fake.answer = answer(f"It is red. {QUOTE}[1]", supported=False)
    ask(app.run(), "How long?")
    (paragraph,) = nodes(app, "answer_m1")
    assert next(part for part in paragraph["children"] if isinstance(part, dict))["cls"] == "doubt"
    assert text(paragraph["children"][:1]) == "It is red. "
    assert "1 sentence(s) not supported" in said(app)


def test_an_example_question_is_asked_by_a_click(app: AppTest, fake: FakeService) -> None:
    app.run()
    (example,) = [button for button in app.button if button.label.startswith("How long does it take")]
    example.click().run()
    assert fake.called("POST", "/api/v1/chat")[0]["question"] == "How long does it take?"


def test_an_empty_base_says_so(app: AppTest, fake: FakeService) -> None:
    fake.bases.clear()
    fake.add_base("empty")
    app.run()
    assert "“empty” holds no documents" in app.info[0].value


def test_no_base_at_all_is_said_to_each_in_their_way(app: AppTest, fake: FakeService) -> None:
    fake.bases.clear()
    app.run()
    assert "Make one" in said(app)
    fake.scope = "read"
    fresh = AppTest.from_file(app._script_path, default_timeout=30)
    fresh.secrets["service"] = fake.url
    fresh.run()
    assert "Ask an administrator" in said(fresh)


def test_search_only_lists_passages_of_several_bases(app: AppTest, fake: FakeService) -> None:
    fake.add_base("spare", documents=1)
    app.run()
    app.segmented_control(key="panel_mode").set_value("search").run()
    app.multiselect(key="panel_also").set_value(["spare"]).run()
    ask(app, "How long?")
    (body,) = fake.called("POST", "/api/v1/search")
    assert body["knowledge_bases"] == ["handbook", "spare"]
    assert text(nodes(app, "found_1")) == PASSAGE
    assert not fake.called("POST", "/api/v1/chat")


def test_several_bases_give_one_answer_that_names_the_base_of_each_passage(app: AppTest, fake: FakeService) -> None:
    fake.add_base("spare", documents=1)
    fake.answer = answer(hits=[hit(), {**hit(2, "box.txt"), "knowledge_base": "spare"}])
    app.run()
    app.multiselect(key="panel_also").set_value(["spare"]).run()
    ask(app, "How long?")
    (body,) = fake.called("POST", "/api/v1/chat")
    assert body["knowledge_bases"] == ["handbook", "spare"]
    assert ":material/folder_open: spare" in said(app)
    ask(app, "And then?")
    assert fake.called("POST", "/api/v1/chat")[1]["conversation_id"] == "c1", "the same bases go on with it"
    app.multiselect(key="panel_also").set_value([]).run()
    ask(app, "And now?")
    assert fake.called("POST", "/api/v1/chat")[2]["conversation_id"] == "c2", "other bases begin another"


def test_a_conversation_is_opened_with_its_bases(app: AppTest, fake: FakeService) -> None:
    fake.add_base("spare", documents=1)
    app.run()
    app.selectbox(key="panel_base").set_value("spare").run()
    app.multiselect(key="panel_also").set_value(["handbook"]).run()
    ask(app, "How long?")
    app.button(key="new_chat").click().run()
    app.multiselect(key="panel_also").set_value([]).run()
    app.button(key="open_c1").click().run()
    assert app.selectbox(key="panel_base").value == "spare"
    assert app.multiselect(key="panel_also").value == ["handbook"]


def test_a_base_that_is_chosen_first_is_not_asked_twice(app: AppTest, fake: FakeService) -> None:
    fake.add_base("spare", documents=1)
    app.run()
    app.multiselect(key="panel_also").set_value(["spare"]).run()
    app.selectbox(key="panel_base").set_value("spare").run()
    assert app.multiselect(key="panel_also").value == []
    assert not app.exception


def test_a_question_is_kept_to_tags(app: AppTest, fake: FakeService) -> None:
    app.run()
    assert not [one for one in app.multiselect if one.label == "Only with a tag"], "nothing to choose from"
    fake.add_document("device.txt", tags=["travel", "2026"])
    app.run()
    (tags,) = [one for one in app.multiselect if one.label == "Only with a tag"]
    assert tags.options == ["2026", "travel"]
    tags.set_value(["travel"]).run()
    ask(app, "How long?")
    assert fake.called("POST", "/api/v1/chat")[0]["only"] == {"tags": ["travel"]}


def test_a_question_is_kept_to_days_and_pages(app: AppTest, fake: FakeService) -> None:
    app.run()
    assert not [one for one in app.number_input if one.label == "From page"], "no document has pages"
    fake.add_document("device.pdf", pages=9)
    fake.bases[0]["documents"] += 1
    app.run()
    app.date_input(key="panel_since").set_value(date(2026, 11, 1)).run()
    app.date_input(key="panel_until").set_value(date(2026, 11, 3)).run()
    app.number_input(key="panel_from_page").set_value(7).run()
    app.number_input(key="panel_to_page").set_value(3).run()
    ask(app, "How long?")
    days_and_pages = {"since": "2026-11-01T00:00:00+00:00", "until": "2026-11-04T00:00:00+00:00", "pages": [3, 7]}
    assert fake.called("POST", "/api/v1/chat")[0]["only"] == days_and_pages


def test_attached_files_are_not_narrowed_down_as_the_base_is() -> None:
    panel = Panel(["handbook"], "extract", 5, {"tags": ["travel"]})
    assert panel.options_for(["handbook"]) == {"mode": "extract", "k": 5, "only": {"tags": ["travel"]}}
    assert panel.options_for(["temp-1"]) == {"mode": "extract", "k": 5}


def test_a_model_and_a_prompt_are_named_only_where_they_are_chosen(app: AppTest, fake: FakeService) -> None:
    fake.generators.append({"name": "glm4", "chosen": False, "loaded": False, "askable": True})
    fake.generators.append({"name": "only a file", "chosen": False, "loaded": False, "askable": False})
    fake.prompts += ["brief", "our own"]
    app.run()
    assert not [one for one in app.selectbox if one.key == "panel_model"], "nothing is written"
    app.segmented_control(key="panel_mode").set_value("generate").run()
    assert app.selectbox(key="panel_model").options == ["SmolLM2", "glm4"]
    assert app.selectbox(key="panel_prompt").options == ["as the service is set", "brief", "our own"]
    ask(app, "How long?")
    app.selectbox(key="panel_model").set_value("glm4").run()
    app.selectbox(key="panel_prompt").set_value("our own").run()
    assert not [one for one in app.toggle if one.key == "panel_knn"], "kNN-LM is for the first model"
    ask(app, "And then?")
    first, second = fake.called("POST", "/api/v1/chat")
    assert not {"model", "prompt"} & set(first)
    assert (second["model"], second["prompt"]) == ("glm4", "our own")
    app.segmented_control(key="panel_mode").set_value("agent").run()
    assert not [one for one in app.selectbox if one.key == "panel_prompt"], "an agent has a prompt of its own"


def test_a_new_chat_says_what_the_base_is_about(app: AppTest, fake: FakeService) -> None:
    fake.bases[0]["description"] = "Rules for *travel*"
    app.run()
    assert text(nodes(app, "about_base")) == "Rules for *travel*"


def test_a_busy_search_costs_only_the_examples(app: AppTest, fake: FakeService) -> None:
    fake.refusals[("GET", "/api/v1/knowledge-bases/handbook/questions")] = (503, "busy", "Too many searches wait.")
    app.run()
    assert not app.warning
    assert app.chat_input


def test_other_places_of_the_same_words_are_listed(app: AppTest, fake: FakeService) -> None:
    copy = {"chunk_id": 9, "document": "*copy*.txt", "start": 0, "end": 9, "page": 4, "heading_path": ["Annex"]}
    fake.answer = answer(hits=[{**hit(), "also": [copy] * 12}])
    ask(app.run(), "How long?")
    assert "The same words stand here too" in said(app)
    assert "\\*copy\\*\\.txt · page 4 · Annex" in said(app)
    assert "and 2 more" in said(app)


def test_a_question_is_edited_from_where_it_stands(app: AppTest, fake: FakeService) -> None:
    ask(app.run(), "How long?")
    app.button(key="edit_m0").click().run()
    app.text_area[0].set_value("How long exactly?")
    app.button[[button.label for button in app.button].index("Ask")].click().run()
    assert ("DELETE", "/api/v1/conversations/c1/messages/m0", None) in fake.calls
    assert [body["question"] for body in fake.called("POST", "/api/v1/chat")] == ["How long?", "How long exactly?"]


def test_the_last_answer_is_made_again(app: AppTest, fake: FakeService) -> None:
    ask(app.run(), "How long?")
    app.button(key="again_m1").click().run()
    assert ("DELETE", "/api/v1/conversations/c1/messages/m0", None) in fake.calls
    assert len(fake.called("POST", "/api/v1/chat")) == 2


def test_a_thumb_is_sent_with_its_reason(app: AppTest, fake: FakeService) -> None:
    ask(app.run(), "How long?")
    app.feedback[0].set_value(0).run()
    assert fake.called("POST", "/api/v1/feedback") == [{"message_id": "m1", "score": 0, "reason": ""}]
    app.text_area[0].set_value("Too short")
    app.button[[button.label for button in app.button].index("Send")].click().run()
    assert fake.called("POST", "/api/v1/feedback")[-1]["reason"] == "Too short"


def test_an_answer_that_fails_midway_is_said(app: AppTest, fake: FakeService) -> None:
    fake.breaks_off = True
    ask(app.run(), "How long?")
    assert "The model failed" in app.error[0].value
    assert not app.exception


def test_foreign_text_stays_text(screen: Open, fake: FakeService) -> None:
    fake.add_base("**b** [x](javascript:alert(1)) :smile: $x$ <img src=x onerror=alert(1)>", documents=1)
    page = screen("bases")
    label = page.radio[0].options[1]
    assert "\\*\\*b\\*\\*" in label
    assert "\\<img" in label
    assert ":smile" not in label
