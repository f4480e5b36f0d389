"""Hits and answers as people read them in a terminal."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kb_server.cli.options import show_trace
from kb_server.cli.session import Session
from kb_server.core.answers import Answer, AnswerMode
from kb_server.core.domain import Hit

if TYPE_CHECKING:
    from kb_server.search.explain import Explanation

_STAGES = {"lexical": "词项", "dense": "向量", "fusion": "融合", "rerank": "重排"}


def show_explanation(session: Session, explanation: "Explanation") -> None:
    """Print the chunk's place at each stage, and each limit with whether it passed."""
    say, chunk = session.say, explanation.chunk
    table = Table(say("stage", "阶段"), say("rank", "名次"), say("score", "得分"), box=None, padding=(0, 2))
    for standing in explanation.standings:
        found = (str(standing.rank), f"{standing.score:.3f}") if standing.rank else (say("not found", "未找到"), "–")
        table.add_row(say(standing.stage, _STAGES[standing.stage]), *found)
    session.console.print(f"[bold blue]{escape(chunk.document)}[/] [dim]#{chunk.id}[/]")
    session.console.print(table)
    wordings = {
        "results": say("among the {:g} results", "在前 {:g} 个结果之内"),
        "threshold": say("scores at least {:g}, so an answer may use it", "得分不低于 {:g}，可用于回答"),
        "passages": say("among the {:g} passages an answer is made from", "属于用来回答的前 {:g} 个片段"),
    }
    for limit in explanation.limits:
        mark = "[green]✓[/]" if limit.passed else "[red]✗[/]"
        session.console.print(f" {mark} {wordings[limit.name].format(limit.value)}")


def show_hits(session: Session, hits: list[Hit]) -> None:
    """Print hits, best first, each with where it stands."""
    if not hits:
        session.console.print(session.say("Nothing found.", "没有找到。"))
    several = len({hit.base for hit in hits}) > 1
    for number, hit in enumerate(hits, 1):
        chunk = hit.chunk
        where = place(session, chunk.document, chunk.page, chunk.heading_path, hit.base if several else "")
        session.console.print(f"[bold]{number}[/]  [cyan]{hit.score:.3f}[/]  {where}  [dim]#{chunk.id}[/]")
        for other in chunk.also:
            also = place(session, other.document, other.page, other.heading_path)
            session.console.print(f"   [dim]{session.say('also', '另见')}[/] {also}")
        session.console.print(escape(chunk.text), style="dim" if number > 1 else "", end="\n\n")


def show_answer(session: Session, answer: Answer) -> None:
    """Print an answer and what backs it."""
    session.console.print()
    if answer.reasoning:
        session.console.print(escape(answer.reasoning), style="dim italic", end="\n\n")
    session.console.print(escape(answer.text), style="yellow" if answer.refused else "bold")
    show_citations(session, answer)
    show_trace(session, answer)
    if answer.agreement is not None:
        share = f"{answer.agreement:.0%}"
        session.console.print(session.say(f"{share} of the samples agree", f"{share} 的采样一致"), style="dim")
    for note in answer.notes:
        session.console.print(f"[yellow]! {escape(note)}[/]")


def show_citations(session: Session, answer: Answer) -> None:
    """Print where each citation stands, and what the check found."""
    session.console.print(_citation_table(session, answer))
    if any(not citation.supported for citation in answer.citations):
        note = session.say("? the cited passage does not say this", "? 所引段落并未这样说")
        session.console.print(f"[red]{note}[/]")


def _citation_table(session: Session, answer: Answer) -> Table:
    """Return a row for each citation, and below it the quote where the answer is in other words."""
    headings = {hit.chunk.id: hit.chunk.heading_path for hit in answer.hits}
    bases = [hit.base for hit in answer.hits] + [citation.base for citation in answer.citations]
    several = len(set(bases)) > 1
    table = Table(box=None, show_header=False, padding=(0, 1))
    for citation in answer.citations:
        mark = "[green]✓[/]" if citation.supported else "[red]?[/]"
        path, base = headings.get(citation.chunk_id, ()), citation.base if several else ""
        where = place(session, citation.document, citation.page, path, base)
        table.add_row(f"[cyan]\\[{citation.number}][/]", mark, where)
        if answer.mode is AnswerMode.GENERATE:
            table.add_row("", "", f"[dim]“{escape(citation.quote)}”[/]")
    return table


def place(session: Session, document: str, page: int | None, heading_path: tuple[str, ...], base: str = "") -> str:
    """Say where a passage stands: perhaps the base, document, page, headings."""
    parts = [escape(base)] if base else []
    parts.append(f"[bold blue]{escape(document)}[/]")
    if page is not None:
        parts.append(session.say(f"p. {page}", f"第 {page} 页"))
    if heading_path:
        parts.append(f"[dim]{escape(' › '.join(heading_path))}[/]")
    return " · ".join(parts)
