"""`kb knn …`: the datastore of a base's own text, and what it is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.core.errors import UsageError

if TYPE_CHECKING:
    from kb_server.knnlm.measure import Measured


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="kNN-LM: the base's own text takes part in writing answers. 近邻语言模型。"
    )
    group.command(epilog="Example 例： kb knn build notes")(build)
    group.command(epilog="Example 例： kb knn tune notes")(tune)
    example = "Examples 例： kb knn perplexity notes page.txt   ·   kb knn perplexity notes --held-out"
    group.command("perplexity", epilog=example)(measure)
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
    knn = session.app.knn_lm.of(name)
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


def tune(context: typer.Context, name: BaseName, as_json: JsonFlag = False) -> None:
    """Find how to mix on a tenth of the base that is held out, and keep it for answers. 在留出文本上调优并保存。"""
    from dataclasses import asdict

    session = session_of(context)
    found = session.app.knn_lm.measurement(name).tune()
    if as_json:
        print_json({**asdict(found), "ratio": round(found.knn / found.base, 4)})
        return
    say = session.say(
        f"{found.tokens} tokens held out: perplexity {found.base:.2f} by the model, {found.knn:.2f} with neighbours "
        f"({found.fixed:.2f} with a fixed share)",
        f"留出 {found.tokens} 词元：模型困惑度 {found.base:.2f}，加近邻 {found.knn:.2f}（定权 {found.fixed:.2f}）",
    )
    session.console.print(say)
    apart = f"{found.unrelated:.3f}"
    session.console.print(
        session.say(
            f"Unrelated text has {apart} of the model's perplexity; {found.free:.2f} without regard to that",
            f"无关文本的困惑度为模型的 {apart} 倍；若不顾及无关文本，可达 {found.free:.2f}",
        )
    )
    session.console.print(f"[dim]{found.mixing}[/]")


def measure(
    context: typer.Context,
    name: BaseName,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Plain text in UTF-8. UTF-8 纯文本。")] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="A tenth of the base itself, not searched. 知识库自身留出的一成。")
    ] = False,
    tokens: Annotated[int, typer.Option(min=1, help="Most that are measured. 最多测量的词元数。")] = 1_000_000,
    as_json: JsonFlag = False,
) -> None:
    """Measure perplexity with and without the neighbours, with controls. 测量困惑度，并附对照实验。

    A file whose text is in the base is copied, not predicted: the share of its runs of five tokens that the datastore
    has too says how much of it is.
    """
    session = session_of(context)
    if (file is None) != held_out:
        raise UsageError("Give either a file or --held-out.", "See: kb knn perplexity --help")
    asked = session.settings.knn_lm.ask()
    found = session.app.knn_lm.measurement(name).perplexity(_text(file) if file else None, asked, tokens)
    if as_json:
        print_json(_measured_json(found))
    else:
        _show(session, found)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file '{file}' cannot be read: {error}.", "Give a text file in UTF-8.") from error


def _measured_json(found: "Measured") -> dict[str, Any]:
    from dataclasses import asdict

    speeds = {"base": found.tokens / found.seconds_base, "knn": found.tokens / found.seconds_knn}
    return {
        "tokens": found.tokens,
        "base": round(found.base, 4),
        "knn": round(found.knn, 4),
        "ratio": round(found.knn / found.base, 4),
        "lambda": round(found.mean_weight, 4),
        "k": found.mixing.k,
        "tokens_per_second": {which: round(speed, 1) for which, speed in speeds.items()},
        "keys": found.keys,
        "improved": round(found.improved, 4),
        "overlap_5gram": round(found.overlap, 4),
        "buckets": [asdict(bucket) for bucket in found.buckets],
        "controls": {name: round(value, 4) for name, value in found.controls.items()},
        "mixing": asdict(found.mixing),
    }


def _show(session: Session, found: "Measured") -> None:
    table = Table(box=None, padding=(0, 1))
    for title in (session.say("seen in the base", "库中出现次数"), session.say("tokens", "词元"), "base", "kNN"):
        table.add_column(title)
    for bucket in found.buckets:
        table.add_row(bucket.seen, str(bucket.tokens), f"{bucket.base:.2f}", f"{bucket.knn:.2f}")
    table.add_row("[bold]all[/]", str(found.tokens), f"{found.base:.2f}", f"[bold]{found.knn:.2f}[/]")
    session.console.print(table)
    controls = " · ".join(f"{name} {value:.2f}" for name, value in found.controls.items())
    session.console.print(session.say(f"Controls: {controls}", f"对照：{controls}"), style="dim")
    overlap = f"{found.overlap:.0%}"
    session.console.print(
        session.say(f"{overlap} of its 5-grams are in the base", f"其五元组有 {overlap} 见于知识库"), style="dim"
    )


def _bar(session: Session) -> Progress:
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeRemainingColumn())
    return Progress(*columns, console=session.errors, transient=True)
