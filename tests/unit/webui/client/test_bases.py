"""Knowledge bases as the page makes, lists, carries and removes them."""

import io

import pytest

from tests.unit.webui.client.conftest import put
from webui.client.bases import place
from webui.client.errors import NotThere, ServiceError
from webui.client.service import Service


def test_one_is_made_described_and_deleted(service: Service) -> None:
    made = service.bases.create("会议 notes", description="about meetings")
    assert (made.name, made.description, made.documents, made.chunks) == ("会议 notes", "about meetings", 0, 0)
    assert (made.splitting.by, made.store) == ("sentences", "faiss")
    service.bases.describe("会议 notes", "")
    assert next(one for one in service.bases.all() if one.name == "会议 notes").description == ""
    with pytest.raises(ServiceError) as caught:
        service.bases.create("会议 notes")
    assert caught.value.code == "already_exists"
    service.bases.delete("会议 notes")
    assert "会议 notes" not in [one.name for one in service.bases.all()]
    with pytest.raises(NotThere):
        service.bases.delete("会议 notes")


def test_an_exported_base_comes_in_under_another_name(service: Service, handbook: str) -> None:
    archive = service.bases.export(handbook)
    made = service.bases.bring_in(("handbook.zip", io.BytesIO(archive)), "handbook again")
    assert (made.name, made.documents) == ("handbook again", 2)
    service.bases.delete("handbook again")
    with pytest.raises(ServiceError):
        service.bases.bring_in(("x.zip", io.BytesIO(b"no archive")), None)


def test_questions_are_those_its_own_text_answers(service: Service, handbook: str) -> None:
    found = service.bases.questions(handbook, 2)
    assert 0 < len(found) <= 2


def test_it_is_cut_anew(service: Service, base: str) -> None:
    put(service, base, **{"a.txt": "The owl sleeps in the barn. " * 30})
    before = next(one for one in service.bases.all() if one.name == base)
    service.bases.cut(base, before.splitting.model_copy(update={"size": 40, "overlap": 0}), drop_edits=False)
    job = service.jobs.latest(1)[0]
    while not job.over:
        job = service.jobs.find(job.id)
    after = next(one for one in service.bases.all() if one.name == base)
    assert job.state == "done"
    assert after.splitting.size == 40
    assert after.chunks > before.chunks


def test_no_datastores_where_none_was_made(service: Service, handbook: str) -> None:
    assert service.datastores(handbook).all().datastores == []


def test_a_name_is_one_part_of_the_path() -> None:
    assert place("a/b ?#名") == "/api/v1/knowledge-bases/a%2Fb%20%3F%23%E5%90%8D"
