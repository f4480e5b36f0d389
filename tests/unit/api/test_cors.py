"""Pages of an origin that the settings name may use every route."""

from pathlib import Path

from fastapi.testclient import TestClient

from kb_server.api.app import create_app
from kb_server.app import Application
from kb_server.config.settings import load_settings


def test_every_method_of_a_route_is_allowed_to_a_named_page(tmp_path: Path) -> None:
    service = {"origins": ["https://kb.example.org"]}
    application = Application(load_settings(arguments={"home": tmp_path, "service": service}))
    app = create_app(application)
    methods = {method.upper() for routes in app.openapi()["paths"].values() for method in routes}
    assert {"PUT", "PATCH", "DELETE"} <= methods
    with TestClient(app) as client:
        for method in methods:
            asking = {"Origin": "https://kb.example.org", "Access-Control-Request-Method": method}
            assert client.options("/api/v1/search", headers=asking).status_code == 200, method
    application.close()
