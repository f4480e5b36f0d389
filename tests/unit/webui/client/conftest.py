"""The real service, in a process of its own, as the page reaches it."""

import io
import time
from collections.abc import Iterator

import pytest

from tests.api.conftest import HANDBOOK, Server
from webui.client.connection import pool
from webui.client.jobs import Job
from webui.client.service import Service

Files = dict[str, bytes | str]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a service that these tests share; each test makes a base of its own.

    It ends with this folder: the fake services of others drop the connections to it.
    """
    running = Server(tmp_path_factory.mktemp("page") / "home", KB_SERVICE__REQUESTS_PER_MINUTE="100000")
    yield running
    connections = pool(running.url)
    pool.cache_clear()
    connections.close()
    assert running.stop() == 0


@pytest.fixture(scope="package")
def service(server: Server) -> Service:
    """Return the service with the administrator's key."""
    return Service(server.url, server.key)


@pytest.fixture(scope="package")
def handbook(service: Service) -> str:
    """Return a base with two documents, which tests only read."""
    service.bases.create("handbook")
    put(service, "handbook", **HANDBOOK)
    return "handbook"


@pytest.fixture
def base(service: Service, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return an empty base of this test's own."""
    name = request.node.name.replace("[", "-").strip("]")[:50]
    service.bases.create(name)
    yield name
    service.bases.delete(name)


def put(service: Service, base: str, **files: bytes | str) -> Job:
    """Upload files and wait until they are in."""
    content = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
    return finished(
        service, service.documents(base).upload([(name, io.BytesIO(data)) for name, data in content.items()])
    )


def finished(service: Service, job: Job) -> Job:
    """Wait for a job."""
    deadline = time.monotonic() + 60
    while not (found := service.jobs.find(job.id)).over and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
