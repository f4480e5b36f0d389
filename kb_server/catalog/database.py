"""Opening the catalog's database: one engine, the pragmas SQLite needs, and the schema brought up to date."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from kb_server.catalog.schema import SCHEMA_VERSION
from kb_server.core.errors import Busy, InvalidSetting, KbError, MissingExtra, StorageError, StorageFull

T = TypeVar("T")

_BUSY_SECONDS = 30
# PostgreSQL's codes are in appendix A of its manual. SQLite says "disk I/O error" of the file beside its log.
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, "53100")
_TAKEN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, "55P03", "40P01", "40001")  # lock, deadlock, serialization
_IDS_A_QUERY = 500  # SQLite takes some 32,000 bound values, older builds 999
_MIGRATING = 4_815_162  # any number that nothing else in the database locks


class Database:
    """The catalog's tables, reached in transactions; errors of the driver come out as StorageError.

    SQLite and PostgreSQL are tested. Readers never wait for the writer in either.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._reading_engine = self._engine
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        elif self._engine.dialect.name == "postgresql":
            self._reading_engine = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._writing_engine = self._engine.execution_options(writing=True)
        try:
            with self._translated():
                self._bring_up_to_date()
        except KbError:
            self._engine.dispose()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state."""
        with self._translated(), self._reading_engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are committed together at the end, or not at all."""
        with self._translated(), self._writing_engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise _translate(error, self._engine.url.render_as_string(hide_password=True)) from error

    def _bring_up_to_date(self) -> None:
        if self._version() == SCHEMA_VERSION:
            return
        with ExitStack() as stack:
            if self._engine.dialect.name == "sqlite" and self._engine.url.database:
                from filelock import FileLock  # brings asyncio along, and is needed once in a catalog's life

                stack.enter_context(FileLock(f"{self._engine.url.database}.migrating", timeout=_BUSY_SECONDS))
            version = self._version() or ""
            if version > SCHEMA_VERSION:
                raise StorageError(
                    f"The catalog has schema {version}; this program knows up to {SCHEMA_VERSION}.",
                    "Use the newer kb-server that wrote it.",
                )
            if version < SCHEMA_VERSION:
                self._migrate()

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _migrate(self) -> None:
        # Alembic takes a third of a second to import and is needed once in a catalog's life.
        from alembic import command
        from alembic.config import Config

        config = Config()
        with as_file(files("kb_server.catalog") / "migrations") as folder, self._writing_engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
                if self._version() == SCHEMA_VERSION:
                    return  # another process has done it meanwhile
            config.set_main_option("script_location", str(folder).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def batched(ids: Collection[T]) -> Iterator[Sequence[T]]:
    """Cut ids into parts that fit into one statement."""
    every = list(ids)
    return (every[start : start + _IDS_A_QUERY] for start in range(0, len(every), _IDS_A_QUERY))


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=parsed.drivername.startswith("postgresql"))
    except ArgumentError as error:
        raise InvalidSetting(
            "The setting 'catalog' is no database address.", "Write postgresql://user:password@host:5432/name, or null."
        ) from error
    except ModuleNotFoundError as error:
        message = f"The catalog's database needs a package that is not installed: {error.name}."
        raise MissingExtra(message, "pip install 'kb-server[postgresql]'") from error


def _prepare_sqlite(engine: Engine) -> None:
    if engine.url.database:
        folder = Path(engine.url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder '{folder}' cannot be made: {error.strerror}.", "Set KB_HOME to a folder you can write to."
            ) from error
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


def _set_pragmas(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    """Readers never wait for the writer (WAL); a commit that was reported survives a power cut (FULL)."""
    connection.isolation_level = None  # the driver's own BEGIN comes too late: reads and DDL would stand outside it
    for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # In SQLite a transaction that reads first and writes later cannot wait for another writer: writers say so at once.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _translate(error: DatabaseError, place: str) -> StorageError:
    if _code(error) in _FULL:
        return StorageFull(
            f"No space is left for the catalog {place}.", "Free some space and run the same command again."
        )
    if _code(error) in _TAKEN:
        return Busy(f"The catalog {place} is being written by another process.", "Wait for it and try again.")
    hint = "Check that its folder can be written; if the file is damaged, put a copy of it back."
    if not place.startswith("sqlite"):
        hint = "Check that the server runs and that the address, the user and the password are right."
    return StorageError(f"The catalog {place} cannot be used: {' '.join(str(error.orig).split())}.", hint)


def _code(error: DatabaseError) -> int | str | None:
    """Return SQLite's code, which is extended where the plain one says too little, or PostgreSQL's SQLSTATE."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:
        state: str | None = getattr(error.orig, "sqlstate", None)
        return state
    return int(code) if code & 0xFF == sqlite3.SQLITE_IOERR else code & 0xFF
