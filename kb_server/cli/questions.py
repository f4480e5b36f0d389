"""`kb search`, `kb ask`, `kb chat`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.markup import escape

from kb_server.answering.contract import answer_json, explanation_json, hit_json
from kb_server.cli.answers import show_answer, show_citations, show_explanation, show_hits
from kb_server.cli.options import (
    ClosedBook,
    KnnFlag,
    KnnScopeOption,
    OnlyDocuments,
    OnlyFolder,
    OnlyPages,
    OnlyTags,
    Since,
    Until,
    chosen,
    knn_choice,
    show_trace,
)
from kb_server.cli.session import BaseName, JsonFlag, Session, print_json, session_of
from kb_server.core.answers import Answer, AnswerEvent, AnswerMode, Done, Message, Step, Token
from kb_server.core.domain import Filter, KnowledgeBase, SearchMode
from kb_server.core.errors import UsageError

Question = Annotated[str, typer.Argument(metavar="QUESTION", help="In Chinese or English. 中文或英文均可。")]
Count = Annotated[int | None, typer.Option("-k", min=1, max=100, help="How many passages. 取几个片段。")]
Also = Annotated[
    list[str] | None,
    typer.Option("--also", metavar="NAME", help="Another knowledge base; may be repeated. 同时查询的其他知识库。"),
]
ModelName = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="generate: a model of the settings. 用设置中的某个模型。")
]
PromptName = Annotated[
    str | None, typer.Option("--prompt", metavar="NAME", help="generate: a prompt of the settings. 用某个提示词。")
]
Index = Annotated[SearchMode, typer.Option(help="Which index to ask. 用哪种索引。")]
ExplainedChunk = Annotated[
    int | None,
    typer.Option(
        metavar="CHUNK", help="Why this chunk is found or not: its rank at each stage. 某片段为何找到或未找到。"
    ),
]
Reasoning = Annotated[
    bool | None, typer.Option("--reasoning/--no-reasoning", help="generate: think first. 先思考后回答。")
]
Samples = Annotated[
    int | None, typer.Option(min=1, max=16, help="generate: draw so many, give what most say. 多次采样取多数。")
]
Mode = Annotated[
    AnswerMode | None,
    typer.Option(
        help="extract: the best sentences verbatim; generate: a model writes; agent: it has tools. 摘录、生成、智能体。"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example 例： kb search notes "reimbursement limit" -k 3')(search)
    app.command(epilog='Examples 例： kb ask notes "Who signs travel requests?"   ·   kb ask notes "年假有几天？"')(ask)
    app.command(epilog="Example 例： kb chat notes")(chat)


def search(
    context: typer.Context,
    name: BaseName,
    question: Question,
    also: Also = None,
    k: Count = None,
    mode: Index = SearchMode.HYBRID,
    documents: OnlyDocuments = None,
    folder: OnlyFolder = "",
    tags: OnlyTags = None,
    pages: OnlyPages = "",
    since: Since = None,
    until: Until = None,
    explain: ExplainedChunk = None,
    as_json: JsonFlag = False,
) -> None:
    """Find the passages that a question is about. 查找与问题相关的片段。"""
    session = session_of(context)
    filters = chosen(documents, folder, tags, pages, since, until)
    if explain is not None:
        if also:
            raise UsageError("A passage is explained in its own knowledge base.", "Leave out --also.")
        _explain(session, name, _checked(question), explain, k, filters, mode, as_json)
        return
    found = session.app.search.search(_checked(question), _names(name, also), k, filters, mode)
    if as_json:
        timings = {step: round(value, 1) for step, value in found.timings_ms.items()}
        print_json({"hits": [hit_json(hit) for hit in found.hits], "timings_ms": timings})
    else:
        show_hits(session, found.hits)


def _explain(
    session: Session,
    name: str,
    question: str,
    chunk_id: int,
    k: int | None,
    filters: Filter,
    mode: SearchMode,
    as_json: bool,
) -> None:
    explanation = session.app.search.explainer(name, k).explain(question, chunk_id, filters, mode)
    if as_json:
        print_json({"explanation": explanation_json(explanation)})
    else:
        show_explanation(session, explanation)


def ask(
    context: typer.Context,
    name: BaseName,
    question: Question,
    also: Also = None,
    k: Count = None,
    mode: Mode = None,
    model: ModelName = None,
    prompt: PromptName = None,
    documents: OnlyDocuments = None,
    folder: OnlyFolder = "",
    tags: OnlyTags = None,
    pages: OnlyPages = "",
    since: Since = None,
    until: Until = None,
    reasoning: Reasoning = None,
    samples: Samples = None,
    knn_lm: KnnFlag = None,
    knn_scope: KnnScopeOption = None,
    closed_book: ClosedBook = False,
    as_json: JsonFlag = False,
) -> None:
    """Answer a question from the documents, with citations. 根据文档回答问题，并给出出处。"""
    from kb_server.answering.ask import Ask

    session = session_of(context)
    filters = chosen(documents, folder, tags, pages, since, until)
    knn = knn_choice(knn_lm, knn_scope, closed_book)
    writing: dict[str, Any] = {"reasoning": reasoning, "samples": samples, "model": model, "prompt": prompt}
    asked = Ask(question=_checked(question), mode=mode, k=k, filters=filters, knn=knn, **writing)
    answer = session.app.answering.answer(asked, _bases(session, name, also))
    if as_json:
        print_json(answer_json(answer))
    else:
        show_answer(session, answer)


def chat(
    context: typer.Context,
    name: BaseName,
    also: Also = None,
    mode: Mode = None,
    model: ModelName = None,
    prompt: PromptName = None,
    knn_lm: KnnFlag = None,
) -> None:
    """Talk with a knowledge base; an empty line or Ctrl-D ends it. 与知识库多轮对话，空行结束。"""
    from kb_server.answering.ask import Ask

    session = session_of(context)
    bases = _bases(session, name, also)
    asked = Ask(question="", mode=mode, knn=knn_lm, model=model, prompt=prompt)
    session.app.answering.resolve(asked, len(bases))  # what cannot be is said before the first question
    say = session.say
    session.console.print(
        f"[bold]{escape(', '.join(base.name for base in bases))}[/]",
        say("· ask away; an empty line ends the chat.", "· 请提问，空行结束。"),
        style="dim",
    )
    history: list[Message] = []
    while question := _read_line(session):
        put = replace(asked, question=question, history=tuple(history))
        answer = _show(session, session.app.answering.events(put, _bases(session, name, also)))
        history += [Message("user", question), Message("assistant", answer.text)]


def _show(session: Session, events: Iterator[AnswerEvent]) -> Answer:
    for event in events:
        if isinstance(event, Token):
            session.console.print(escape(event.text), end="", style="bold", soft_wrap=True)
        elif isinstance(event, Step) and event.result is None:
            session.console.print(escape(f"{event.tool} {dict(event.arguments)}"), style="dim")
        elif isinstance(event, Done):
            session.console.print()
            show_citations(session, event.answer)
            show_trace(session, event.answer)
            return event.answer
    raise TypeError("an answer did not end with Done")


def _names(name: str, also: list[str] | None) -> list[str]:
    return list(dict.fromkeys([name, *(also or [])]))


def _bases(session: Session, name: str, also: list[str] | None) -> list[KnowledgeBase]:
    return [session.app.bases.find(one) for one in _names(name, also)]


def _read_line(session: Session) -> str:
    try:
        return session.console.input("[bold green]›[/] ").strip()
    except EOFError:
        return ""


def _checked(question: str) -> str:
    cleaned = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not cleaned:
        raise UsageError("The question is empty.", "Write what you want to know between quotation marks.")
    return cleaned
