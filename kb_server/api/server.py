"""Running the service: the HTTP server, its worker, and an orderly end."""

import ipaddress
import logging
import signal
from collections.abc import Callable
from socket import socket
from types import FrameType

import uvicorn

from kb_server.api.app import create_app
from kb_server.api.service import Service, make_service
from kb_server.api.worker import Worker
from kb_server.app import Application
from kb_server.core.errors import UsageError

logger = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Tells open streams of jobs to end as soon as the server is told to stop; answers may finish."""

    def __init__(self, config: uvicorn.Config, service: Service, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._service = service
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Begin to stop; unlike the original, without killing the process by the same signal afterwards."""
        self._service.stopping.set()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def serve(application: Application, on_ready: Callable[[int], None]) -> None:
    """Serve until stopped by a signal. `on_ready` is told the port, which matters if 0 was asked for.

    Raises UsageError for an address that others can reach while keys are switched off.
    """
    options = application.settings.service
    _refuse_open_door(options.host, options.auth)
    app = create_app(application)
    service: Service = app.state.service
    worker = Worker(application.settings)
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=options.stop_seconds,
        timeout_keep_alive=30,
    )
    worker.start()
    try:
        _Server(config, service, on_ready).run()
    finally:
        service.stopping.set()
        worker.stop()


def serve_mcp(application: Application, host: str, port: int) -> None:
    """Serve MCP over HTTP until stopped; raises UsageError as `serve` does."""
    from kb_server.api.mcp import make_http_app

    _refuse_open_door(host, application.settings.service.auth)
    service = make_service(application)
    config = uvicorn.Config(
        make_http_app(service, host), host=host, port=port, log_config=None, access_log=False, server_header=False
    )
    try:
        _Server(config, service, lambda actual: logger.info("serving MCP", extra={"port": actual})).run()
    finally:
        service.close()


def _refuse_open_door(host: str, auth: bool) -> None:
    if not auth and not _is_loopback(host):
        raise UsageError(
            f"The address '{host}' can be reached by others, and service.auth is off.",
            "Leave service.auth on, or serve 127.0.0.1.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
