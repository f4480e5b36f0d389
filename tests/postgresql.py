"""A PostgreSQL server of the tests' own, on a free port of this machine."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

_SECONDS = 60


def find_programs() -> Path | None:
    """Return the folder with initdb and postgres, wherever the system keeps it."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


class PostgresServer:
    """A running server; it refuses to run as root, so root starts it as nobody."""

    def __init__(self, programs: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kb-postgres-"))
        self._as_whom: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
            self._as_whom = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        data = self._folder / "data"
        self._run(programs / "initdb", "-D", data, "-U", "kb", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = ["-p", str(self.port), "-k", str(self._folder), "-c", "listen_addresses=127.0.0.1", "-F"]
        self._process = subprocess.Popen(
            [*self._as_whom, programs / "postgres", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )
        self._wait()

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        import psycopg

        name = f"kb_{secrets.token_hex(6)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self._address(name)

    def stop(self) -> None:
        """Stop it and remove its files."""
        self._process.send_signal(signal.SIGQUIT)  # at once: nothing in it is needed any more
        self._process.wait(_SECONDS)
        shutil.rmtree(self._folder)

    def _address(self, database: str) -> str:
        return f"postgresql://kb@127.0.0.1:{self.port}/{database}"

    def _run(self, *command: str | Path) -> None:
        subprocess.run([*self._as_whom, *command], check=True, capture_output=True, cwd=self._folder)

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self._address("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return
