"""`kb evaluate`, `kb compare`, `kb questions`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.domain import AnswerMode
from kb_server.errors import KbError

if TYPE_CHECKING:
    from kb_server.evaluation.evaluating import Evaluation
    from kb_server.evaluation.runs import OnDone

Cases = Annotated[
    Path, typer.Option("--cases", metavar="FILE", help="JSON lines, CSV, SQuAD or RGB format. 评测题文件。")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go. 结果文件夹。")]
Bounds = Annotated[
    list[str] | None,
    typer.Option("--fail-under", metavar="METRIC=X", help="Exit 1 below this; may be repeated. 低于此值则退出码为 1。"),
]


class BelowBound(KbError):
    """A metric did not reach what --fail-under asks for."""

    code = "below_bound"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example 例： kb evaluate notes --cases cases.jsonl --out run --fail-under recall@5=0.9")(
        evaluate
    )


def evaluate(
    context: typer.Context,
    name: BaseName,
    cases: Cases,
    out: Out,
    mode: Annotated[AnswerMode | None, typer.Option(help="As for kb ask. 同 kb ask。")] = None,
    fail_under: Bounds = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Questions asked at once, for models behind an API. 同时提问数。")
    ] = 1,
    judge: Annotated[
        bool, typer.Option("--judge", help="Let the language model judge each statement too. 让语言模型评判忠实度。")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure how well a knowledge base answers questions whose answers are known. 用已知答案的问题评测知识库。

    Writes results.jsonl, summary.json and report.html. Stop whenever you like: the same command goes on from there.
    A case that cannot be read is named and left out, and the exit code is 3.
    """
    from kb_server.evaluation.evaluating import EvaluationOptions, Evaluator
    from kb_server.evaluation.thresholds import METRICS, parse_threshold, shortfalls

    session = session_of(context)
    bounds = [parse_threshold(text, METRICS) for text in fail_under or ()]
    options = EvaluationOptions(cases, out, mode or session.settings.answering.mode, workers, judge)
    with _progress_bar(session, shown=not as_json) as on_done:
        evaluation = Evaluator(session.app, name).run(options, on_done)
    if as_json:
        print_json(evaluation.summary)
    else:
        _show_evaluation(session, evaluation, out)
    if short := shortfalls(evaluation.summary, bounds):
        raise BelowBound(f"{'; '.join(short)}.", f"The worst cases are in {out / 'report.html'}.")
    if evaluation.left_out:
        raise typer.Exit(3)


def _show_evaluation(session: Session, evaluation: "Evaluation", out: Path) -> None:
    say, console, summary = session.say, session.console, evaluation.summary
    for item in evaluation.left_out:
        left_out = say("left out", "未计入")
        console.print(f"[yellow]{left_out}[/] {escape(item['where'])}: {escape(item['reason'])}", soft_wrap=True)
    for warning in summary["warnings"]:
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    table = Table()
    table.add_column(say("Metric", "指标"))
    table.add_column(say("Mean", "均值"), justify="right")
    table.add_column("95%", justify="right")
    for group in ("retrieval", "answers", "refusal"):
        _add_metrics(table, summary[group], summary["intervals"])
    console.print(table)
    p50, p95 = summary["latency_ms"]["p50"], summary["latency_ms"]["p95"]
    console.print(say(f"{summary['n']} questions", f"{summary['n']} 题") + f" · p50 {p50} ms · p95 {p95} ms")
    console.print(say("Report", "报告"), f"[cyan]{escape(str(out / 'report.html'))}[/]", soft_wrap=True)


def _add_metrics(table: Table, means: Mapping[str, Any], intervals: Mapping[str, Any]) -> None:
    shown = [(name, value) for name, value in means.items() if value is not None]
    for number, (name, value) in enumerate(shown, 1):
        low_high = " – ".join(f"{bound:.3f}" for bound in intervals.get(name, ()))
        table.add_row(escape(name), f"{value:.3f}", low_high, end_section=number == len(shown))


@contextmanager
def _progress_bar(session: Session, shown: bool) -> Iterator["OnDone"]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    left = TextColumn(session.say("left", "剩余"))
    columns = (SpinnerColumn(), BarColumn(bar_width=30), MofNCompleteColumn(), left, TimeRemainingColumn())
    with Progress(*columns, console=session.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
