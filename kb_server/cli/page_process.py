"""The page's process. It ends with the one that started it, however that one ends."""

import importlib.util
import socket
import subprocess
import sys
import time
from types import TracebackType

from kb_server.config.settings import Settings
from kb_server.core.errors import MissingExtra, UsageError

_STOP_SECONDS = 10
_START_SECONDS, _LOOK_SECONDS = 60, 0.1


class PageProcess:
    """`python -m webui` with the settings' values. Leaving the `with` block stops it."""

    def __init__(self, settings: Settings, service_url: str) -> None:
        page = settings.page
        self.url = f"http://{_shown(page.host)}:{page.port}"
        self._address = _reachable(page.host), page.port
        values = {
            "--service": service_url,
            "--host": page.host,
            "--port": str(page.port),
            "--language": settings.language,
            "--upload-megabytes": str(settings.service.upload_megabytes),
        }
        _require_streamlit()
        _require_free(page.host, page.port)
        arguments = [part for pair in values.items() for part in pair]
        # Its own session: Ctrl-C reaches only us, and we tell it. It reads standard input to notice if we are gone.
        # -P: a module that happens to lie in the current folder is not imported.
        self._process = subprocess.Popen(  # noqa: S603 - our own module, our own values
            [sys.executable, "-P", "-m", "webui", "--until-eof", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> "PageProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def listens(self) -> bool:
        """Wait until the page can be reached; False if it ended or takes more than a minute."""
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(self._address, timeout=1).close()
            except OSError:
                time.sleep(_LOOK_SECONDS)
            else:
                return True
        return False

    def wait(self) -> int:
        """Wait until it ends by itself and return its exit status."""
        return self._process.wait()


def service_url(settings: Settings, port: int | None = None) -> str:
    """Return where the page reaches the service; `port` is the one it really listens on."""
    service = settings.service
    return settings.page.service or f"http://{_shown(_reachable(service.host))}:{port or service.port}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _require_streamlit() -> None:
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtra("The page needs the package 'streamlit'.", "Run: pip install 'kb-server[page]'")


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"The page cannot listen on {host}:{port}: {error.strerror}.", "Choose another port: KB_PAGE__PORT=8502"
            ) from error
