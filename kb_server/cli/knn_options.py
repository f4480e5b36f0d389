"""kNN-LM where questions are asked: its options, and what is shown of it afterwards."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from kb_server.cli.session import Session
from kb_server.domain import Answer
from kb_server.mixing import KnnTrace, Scope, TokenOrigin

KnnFlag = Annotated[
    bool | None,
    typer.Option(
        "--knn-lm/--no-knn-lm", help="generate: the base's own text takes part in every token. 知识库原文参与选词。"
    ),
]
KnnScope = Annotated[
    Scope | None, typer.Option(help="--knn-lm: compare the passages found, or all. 比较检索到的片段或全部。")
]
ClosedBook = Annotated[
    bool, typer.Option("--closed-book", help="--knn-lm: no passages in the prompt. 提示词中不放片段。")
]
_STYLES = ((0.9, "bold green"), (0.5, "green"), (0.1, "yellow"))  # how much of a token the neighbours gave


def knn_choice(wanted: bool | None, scope: Scope | None, closed_book: bool) -> bool | dict[str, Any] | None:
    """Return what the options say, as the application takes it; an option of kNN-LM asks for it."""
    if wanted is False or (scope is None and not closed_book):
        return wanted
    return {"scope": scope, "closed_book": closed_book or None}


def show_trace(session: Session, answer: Answer) -> None:
    """Print the written tokens coloured by how much of each the neighbours gave, and the places most came from."""
    trace = answer.knn
    if trace is None:
        return
    if trace.reason:
        session.console.print(f"[yellow]! {escape(trace.reason)}[/]")
        return
    line = Text()
    for token in trace.tokens:
        line.append(token.token, _style(token))
    session.console.print(line, end="\n")
    decided = sum(token.decided for token in trace.tokens)
    session.console.print(
        session.say(
            f"kNN-LM: {trace.keys} keys; {decided} of {len(trace.tokens)} tokens came mostly from the documents",
            f"近邻语言模型：{trace.keys} 个键；{len(trace.tokens)} 个词元中有 {decided} 个主要来自文档",
        ),
        style="dim",
    )
    for document, count in _places(trace):
        session.console.print(f"  [blue]{escape(document)}[/] [dim]{count}[/]")


def _style(token: TokenOrigin) -> str:
    share = token.mass / token.probability if token.probability else 0.0
    return next((style for least, style in _STYLES if share >= least), "dim")


def _places(trace: KnnTrace) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for token in trace.tokens:
        if token.decided and token.sources:
            counts[token.sources[0].document] = counts.get(token.sources[0].document, 0) + 1
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:3]
