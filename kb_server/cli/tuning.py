"""`kb tune`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from kb_server.cli.options import counting_bar
from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of

if TYPE_CHECKING:
    from kb_server.calibration.fits import Value
    from kb_server.calibration.tune import TuneReport

_SETTINGS = {
    "fusion.cjk": ("weight of the dense score, Chinese", "向量得分权重（中文）"),
    "fusion.other": ("weight of the dense score, other scripts", "向量得分权重（其他文字）"),
    "confidence": ("weights of the evidence for an answer", "作答依据的权重"),
    "refuse_below": ("confidence below which an answer is refused", "低于此把握即拒答"),
    "passages": ("passages an answer is made from", "用来回答的片段数"),
    "rerank_depth": ("passages the reranker reads", "重排的片段数"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example 例： kb tune notes")(tune)


def tune(
    context: typer.Context,
    name: BaseName,
    count: Annotated[int, typer.Option(min=40, help="Questions made from its text. 出题数。")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same questions. 随机种子。")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Fit search and refusal to a knowledge base's own text. 用知识库自身的文本校准检索与拒答。

    Asks questions made from its text, with the document that answers them and without it. A setting is changed only if
    that does no worse on questions that were not fitted to. Repeated by itself when the base has doubled or halved.
    """
    session = session_of(context)
    with counting_bar(session, shown=not as_json) as on_tried:
        tuned = session.app.tuner(name).run(count, seed, on_tried)
    if as_json:
        shown = {"questions": tuned.questions, "fusion": dict(tuned.fusion.weights)}
        changes = [asdict(change) for change in tuned.changes]
        print_json({"name": name, **shown, "calibration": asdict(tuned.calibration), "changes": changes})
    else:
        _show(session, tuned)


def _show(session: Session, tuned: "TuneReport") -> None:
    say = session.say
    table = Table(say("Setting", "设置"), say("Before", "原值"), say("Now", "现值"))
    table.add_column(say("On held-out questions", "在留出的问题上"))
    for change in tuned.changes:
        now = _value(change.after)
        held_out = f"{change.measure} {change.held_out_before:.3f}"
        if change.before != change.after:
            now, held_out = f"[bold]{now}[/]", f"{held_out} → {change.held_out_after:.3f}"
        table.add_row(say(*_SETTINGS[change.setting]), _value(change.before), now, held_out)
    session.console.print(table)
    found = tuned.calibration.held_out
    session.console.print(
        say(
            f"{tuned.questions} questions; of those held out, {found['refusal_recall']:.0%} without an answer and "
            f"{found['false_refusal']:.0%} with one are refused",
            f"共 {tuned.questions} 题；留出的题中，无答案的拒答 {found['refusal_recall']:.0%}，"
            f"有答案的误拒 {found['false_refusal']:.0%}",
        )
    )


def _value(value: "Value") -> str:
    if isinstance(value, tuple):
        return " ".join(f"{number:g}" for number in value)
    return "–" if value is None else f"{value:g}"
