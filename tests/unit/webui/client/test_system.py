"""How the service fares, and its keys."""

import pytest

from tests.api.conftest import Server
from webui.client.connection import Connection
from webui.client.errors import ServiceError, SignedOut
from webui.client.service import Service
from webui.client.system import System


@pytest.fixture
def system(server: Server) -> System:
    return System(Connection(server.url, server.key))


def test_models_and_prompts_that_may_be_named(system: System) -> None:
    models = system.models()
    assert [one.name for one in models.embedders if one.chosen]
    assert sum(one.chosen for one in models.generators) <= 1


def test_memory_disk_queues_and_jobs(system: System) -> None:
    status = system.status()
    assert status.memory.process_bytes > 10 << 20
    assert status.disk_free_bytes > 0
    assert status.queues
    assert all(0 <= queue.running + queue.waiting <= queue.places for queue in status.queues)


def test_a_key_is_made_used_and_revoked(service: Service, server: Server, handbook: str) -> None:
    secret = service.keys.create("reader", "read", [handbook])
    reader = Service(server.url, secret)
    assert reader.me.knowledge_bases == [handbook]
    assert [one.name for one in reader.bases.all()] == [handbook]
    with pytest.raises(ServiceError) as caught:
        reader.system.status()
    assert caught.value.code == "forbidden"
    (key,) = [one for one in service.keys.all() if one.name == "reader"]
    assert (key.scope, key.knowledge_bases, key.revoked) == ("read", [handbook], None)
    service.keys.revoke(key.id)
    with pytest.raises(SignedOut):
        _ = Service(server.url, secret).me
