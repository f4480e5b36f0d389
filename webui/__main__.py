"""Run the page: `python -m webui --service http://127.0.0.1:7861`. `kb ui` does this with the settings' values."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from threading import Thread

from webui.serving import make_app


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until stopped."""
    given = _parser().parse_args(arguments)
    sys.argv = sys.argv[:1]  # Streamlit would read the rest as its own
    if given.until_eof:
        Thread(target=_stop_at_eof, daemon=True).start()
    settings = {"server.address": given.host, "server.port": given.port, "server.maxUploadSize": given.upload_megabytes}
    make_app(given.service, given.language).run(config=settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="webui", description="The page of a kb service.")
    parser.add_argument("--service", default="http://127.0.0.1:7861", help="address of the service")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--language", choices=["auto", "en", "zh"], default="auto", help="auto: the browser's")
    parser.add_argument("--upload-megabytes", type=int, default=1024, help="largest file that is taken")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    return parser


def _stop_at_eof() -> None:
    """Stop when the process that started this one is gone, however it went."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
