"""`kb demo`: the samples ingested and three questions answered, to see what the system does."""

from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel
from rich.rule import Rule

from kb_server.answering.ask import Ask
from kb_server.cli.answers import show_answer
from kb_server.cli.documents import ingest_with_progress, show_report
from kb_server.cli.session import session_of
from kb_server.core.errors import NotFound

NAME = "samples"
QUESTIONS = (
    "How much GPU memory does ChatGLM-6B need in 4 bits?",
    "What was done to printer PR-02 after 52000 pages?",
    "出差回来后，最晚多少天之内要交报销单？",
)
_SAMPLES = Path(__file__).resolve().parents[2] / "knowledge_base" / "samples"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Documents to ask. 要提问的文档。")] = _SAMPLES,
) -> None:
    """Ingest the sample documents and answer three questions. 导入示例文档并回答三个问题。"""
    session = session_of(context)
    say, console = session.say, session.console
    if not folder.is_dir():
        raise NotFound(f"The sample folder '{folder}' is not there.", "Give a folder of your own: kb demo FOLDER")
    if NAME not in [base.name for base in session.app.bases.all()]:
        session.app.bases.create(NAME)
    console.print(Rule(say("Ingesting", "导入文档") + f" {folder.name}/"))
    show_report(session, NAME, ingest_with_progress(session, NAME, [folder]))
    base = session.app.bases.find(NAME)
    for question in QUESTIONS:
        console.print()
        console.print(Panel(question, title=say("Question", "提问"), title_align="left", border_style="cyan"))
        show_answer(session, session.app.answering.answer(Ask(question=question), [base]))
    console.print(Rule())
    console.print(say("Now with your own:", "换成你自己的文档："))
    for command in ("kb create notes", "kb ingest notes ~/Documents", 'kb ask notes "…?"'):
        console.print(f"  .venv/bin/{command}", style="cyan")
