"""What lies in deploy/ and configs/cluster.yaml fits together and fits the program; no engine runs here."""

import json
import os
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kb_server.config.settings import Settings, load_settings
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = ("compose.yaml", "models.yaml", "observe.yaml")
DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")


def parsed(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return values


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return {name: service for file in COMPOSE for name, service in parsed(file)["services"].items()}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("KB_")]:
        monkeypatch.delenv(name)
    return load_settings(ROOT / "configs" / "cluster.yaml")


def ports(service: dict[str, Any]) -> set[int]:
    """Return the ports that a service can be reached at by others."""
    published = [str(port).rsplit(":", 1)[-1] for port in service.get("ports", [])]
    return {int(port) for port in [*service.get("expose", []), *published]}


@pytest.mark.parametrize("file", [path.name for path in DEPLOY.glob("*.yaml")])
def test_every_file_is_yaml(file: str) -> None:
    assert parsed(file)


def test_what_the_settings_name_is_a_service_with_that_port(
    cluster: Settings, services: dict[str, dict[str, Any]]
) -> None:
    addresses = [cluster.catalog_url, cluster.store.milvus.uri, cluster.embedding.url, cluster.generation.url]
    for address in addresses:
        parts = urlsplit(str(address))
        assert parts.hostname in services, address
        assert parts.port in ports(services[parts.hostname]), address
    assert cluster.service.port in ports(services["api"])


def test_limits_agree(cluster: Settings, services: dict[str, dict[str, Any]]) -> None:
    assert f"--max-client-batch-size={cluster.embedding.batch_size}" in services["embeddings"]["command"]
    assert f"--max-model-len={cluster.generation.window}" in services["vllm"]["command"]
    assert f"--served-model-name={cluster.generation.model}" in services["vllm"]["command"]
    assert int(services["api"]["stop_grace_period"].removesuffix("s")) > cluster.service.stop_seconds
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert f"client_max_body_size {cluster.service.upload_megabytes}m;" in nginx
    assert f"server api:{cluster.service.port} resolve" in nginx


def test_variables_of_the_service_are_settings(services: dict[str, dict[str, Any]]) -> None:
    names = [name for name in services["api"]["environment"] if name.startswith("KB_")]
    known = {f"KB_{field.upper()}" for field in Settings.model_fields} | {"KB_CONFIG"}
    assert set(names) <= known
    secrets = re.findall(r"\$\{(\w+):\?", "".join((DEPLOY / file).read_text() for file in COMPOSE))
    listed = {line.partition("=")[0] for line in (DEPLOY / "env.example").read_text().split()}
    assert set(secrets) == listed


def test_files_and_volumes_that_services_mount_exist(services: dict[str, dict[str, Any]]) -> None:
    volumes = {name for file in COMPOSE for name in parsed(file).get("volumes", {})}
    for service in services.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith("./") else source in volumes, mount


def test_services_depend_on_services(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        needed = service.get("depends_on", [])
        assert set(needed) <= set(services)
        for name, condition in needed.items() if isinstance(needed, dict) else ():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in services[name]


def test_prometheus_asks_services_at_their_ports(services: dict[str, dict[str, Any]]) -> None:
    for job in parsed("prometheus.yaml")["scrape_configs"]:
        found = job.get("dns_sd_configs", [])
        targets = [target for each in job.get("static_configs", []) for target in each["targets"]]
        targets += [f"{name}:{each['port']}" for each in found for name in each["names"]]
        assert targets
        for target in targets:
            host, _, port = target.partition(":")
            assert int(port) in ports(services[host]), target


def test_the_dashboard_shows_metrics_that_there_are() -> None:
    metrics = pytest.importorskip("kb_server.api.request_log", reason="the extra 'serve' is not installed").Metrics()
    metrics.count("GET", "/health/live", 200, 0.01)
    metrics.watch("search", lambda: 0)
    exported = {line.split("{")[0] for line in metrics.text().decode().splitlines() if not line.startswith("#")}
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
    shown = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bkb_\w+", target["expr"])
    }
    assert shown
    assert shown <= exported
    sources = yaml.safe_load((DEPLOY / "grafana" / "provisioning.yaml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"] for source in sources}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_copy_what_there_is_and_run_as_somebody(name: str) -> None:
    text = (DEPLOY / name).read_text()
    instructions = re.sub(r"\\\n\s*", " ", text)
    for line in instructions.splitlines():
        if line.startswith("COPY "):
            assert all((ROOT / source).exists() for source in line.split()[1:-1]), line
        if line.startswith("FROM "):
            assert re.search(r":(?!latest)[\w.-]+$", line), "a base image has a version"
    assert "\nUSER 10001\n" in text
    assert f"\nEXPOSE {Settings.model_fields['service'].default.port}\n" in text
    assert instructions.rstrip().splitlines()[-2:] == ['ENTRYPOINT ["kb"]', 'CMD ["serve"]']


def test_images_ask_for_health_where_it_is_answered() -> None:
    health = pytest.importorskip("kb_server.api.v1.health", reason="the extra 'serve' is not installed")
    paths = {route.path for route in health.router.routes}
    for name in DOCKERFILES:
        asked = re.search(r"127\.0\.0\.1:7861(/[\w/]+)", (DEPLOY / name).read_text())
        assert asked
        assert asked[1] in paths
