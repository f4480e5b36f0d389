"""`kb knn …`: the datastore of a base's own text, and what it is worth."""

from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="kNN-LM: the base's own text takes part in writing answers. 近邻语言模型。"
    )
    group.command(epilog="Example 例： kb knn build notes")(build)
    app.add_typer(group, name="knn")


def build(
    context: typer.Context,
    name: BaseName,
    anew: Annotated[bool, typer.Option("--anew", help="Make it again from nothing. 从头重建。")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Read the base's text with the language model and keep a key for each token. 用语言模型读入全文，建立数据存储。

    Run it again after documents were added or removed: only what is new is read. Stop with Ctrl-C whenever you like;
    the same command goes on from there.
    """
    from dataclasses import asdict

    session = session_of(context)
    knn = session.app.knn_lm(name)
    if as_json:
        print_json(asdict(knn.build(anew)))
        return
    with _bar(session) as bar:
        task = bar.add_task("", total=None)
        report = knn.build(anew, lambda done, count: bar.update(task, completed=done, total=count))
    say = session.say(
        f"{report.documents} documents, {report.read} tokens read in {report.seconds:.1f} s; "
        f"{report.keys} keys, {report.bytes / 2**20:.1f} MiB",
        f"读入 {report.documents} 个文档、{report.read} 个词元，用时 {report.seconds:.1f} 秒；"
        f"共 {report.keys} 个键，{report.bytes / 2**20:.1f} MiB",
    )
    session.console.print(say)


def _bar(session: Session) -> Progress:
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeRemainingColumn())
    return Progress(*columns, console=session.errors, transient=True)
