"""`kb evaluate`, `kb compare`, `kb questions`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.options import counting_bar
from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.core.answers import AnswerMode
from kb_server.core.errors import KbError

if TYPE_CHECKING:
    from kb_server.evaluation.compare import Comparison
    from kb_server.evaluation.evaluate import Evaluation

Cases = Annotated[
    Path, typer.Option("--cases", metavar="FILE", help="JSON lines, CSV, SQuAD or RGB format. 评测题文件。")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go. 结果文件夹。")]
Bounds = Annotated[
    list[str] | None,
    typer.Option("--fail-under", metavar="METRIC=X", help="Exit 1 below this; may be repeated. 低于此值则退出码为 1。"),
]

Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Questions asked at once, for models behind an API. 同时提问数。")
]
Judge = Annotated[
    bool, typer.Option("--judge", help="Let the language model judge each statement too. 让语言模型评判忠实度。")
]
Price = Annotated[
    str | None, typer.Option(metavar="READ/WRITTEN", help="Price of a million tokens. 每百万词元（输入/输出）的价格。")
]

# How a verdict looks, and what it is called in Chinese.
_VERDICTS = {"better": ("green", "更好"), "worse": ("red", "更差"), "no difference shown": ("dim", "未见差异")}


class BelowBound(KbError):
    """A metric did not reach what --fail-under asks for."""

    code = "below_bound"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bound = "--fail-under recall@5=0.9"
    app.command(epilog=f"Example 例： kb evaluate notes --cases cases.jsonl --out run {bound}")(evaluate)
    app.command(epilog="Example 例： kb compare run-before run-after")(compare)
    app.command(epilog="Example 例： kb questions notes --out cases.jsonl --count 200")(questions)


def evaluate(
    context: typer.Context,
    name: BaseName,
    cases: Cases,
    out: Out,
    mode: Annotated[AnswerMode | None, typer.Option(help="As for kb ask. 同 kb ask。")] = None,
    fail_under: Bounds = None,
    workers: Workers = 1,
    judge: Judge = False,
    price: Price = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure how well a knowledge base answers questions whose answers are known. 用已知答案的问题评测知识库。

    Writes results.jsonl, summary.json and report.html. Stop whenever you like: the same command goes on from there.
    A case that cannot be read is named and left out, and the exit code is 3.
    """
    from kb_server.evaluation.compare import METRICS, parse_threshold, shortfalls
    from kb_server.evaluation.cost import parse_price
    from kb_server.evaluation.evaluate import EvaluationOptions, Evaluator

    session = session_of(context)
    bounds = [parse_threshold(text, METRICS) for text in fail_under or ()]
    paid = parse_price(price) if price else None
    options = EvaluationOptions(cases, out, mode or session.settings.answering.mode, workers, judge, paid)
    with counting_bar(session, shown=not as_json) as on_done:
        evaluation = Evaluator(session.app, name).run(options, on_done)
    if as_json:
        print_json(evaluation.summary)
    else:
        _show_evaluation(session, evaluation, out)
    if short := shortfalls(evaluation.summary, bounds):
        raise BelowBound(f"{'; '.join(short)}.", f"The worst cases are in {out / 'report.html'}.")
    if evaluation.left_out:
        raise typer.Exit(3)


def compare(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(metavar="A", help="A folder that kb evaluate wrote. 一次评测的结果文件夹。")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The one to compare with it. 与之比较的另一次。")],
    as_json: JsonFlag = False,
) -> None:
    """Say whether run B is better than run A, metric by metric. 逐项比较两次评测。

    Both must have cases in common. "better" and "worse" are said only if the 95% interval of the difference leaves
    out zero; otherwise the difference may be chance.
    """
    from kb_server.evaluation.compare import compare as compare_runs
    from kb_server.evaluation.run_folder import RunFolder

    session = session_of(context)
    comparison = compare_runs(RunFolder(a), RunFolder(b))
    if as_json:
        print_json({"a": str(a), "b": str(b), **asdict(comparison)})
    else:
        _show_comparison(session, comparison)


def questions(
    context: typer.Context,
    name: BaseName,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The case file to write. 要写入的题目文件。")],
    count: Annotated[int, typer.Option(min=1, help="Questions with an answer. 有答案的题数。")] = 100,
    unanswerable: Annotated[
        int | None, typer.Option(min=0, help="Questions without one; a quarter as many. 无答案的题数，默认四分之一。")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same questions. 随机种子。")] = 0,
    written: Annotated[
        bool, typer.Option("--written", help="Let the language model word them. 由语言模型改写题目。")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make test questions from a knowledge base's own text. 用知识库自身的文本出题。

    Needs no model. Each question has its answer and document; those without an answer ask for what the base does not
    hold. Read the file through, mend or delete what you do not like, then: kb evaluate NAME --cases FILE --out DIR
    """
    from kb_server.evaluation.make_cases import make_cases, write_cases

    session = session_of(context)
    sizes = (count, count // 4 if unanswerable is None else unanswerable)
    cases = make_cases(session.app, name, sizes, seed, written=written)
    write_cases(out, cases)
    answerable = sum(case.answerable for case in cases)
    made = {"questions": len(cases), "answerable": answerable, "unanswerable": len(cases) - answerable}
    kinds = dict(Counter(case.kind for case in cases))
    if as_json:
        print_json({**made, "kinds": kinds, "file": str(out)})
        return
    say, console = session.say, session.console
    console.print(
        say(f"{len(cases)} questions in", f"共 {len(cases)} 题，写入"), f"[cyan]{escape(str(out))}[/]", soft_wrap=True
    )
    console.print("  " + " · ".join(f"{number} {kind}" for kind, number in kinds.items()), style="dim")
    for case in cases[:3]:
        console.print(f"  {escape(case.question)} [dim]{escape(' | '.join(case.answers))}[/]", soft_wrap=True)


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


def _show_comparison(session: Session, comparison: "Comparison") -> None:
    say, console = session.say, session.console
    table = Table()
    table.add_column(say("Metric", "指标"))
    for heading in ("A", "B", "B - A", "95%"):
        table.add_column(heading, justify="right")
    table.add_column(say("Verdict", "结论"))
    for name, item in comparison.metrics.items():
        style, chinese = _VERDICTS[item.verdict]
        numbers = [f"{value:.3f}" for value in (item.a, item.b)]
        spread = f"{item.low:+.3f} – {item.high:+.3f}"
        verdict = f"[{style}]{say(item.verdict, chinese)}[/]"
        table.add_row(escape(name), *numbers, f"{item.difference:+.3f}", spread, verdict)
    console.print(table)
    console.print(say(f"{comparison.n} cases in both", f"两次共有 {comparison.n} 题"))
    if alone := comparison.only_in_a + comparison.only_in_b:
        console.print(say(f"{alone} cases are in one run only", f"另有 {alone} 题只在其中一次"), style="yellow")
