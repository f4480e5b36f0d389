"""Hits and answers as people read them in a terminal."""

from rich.markup import escape
from rich.table import Table

from kb_server.cli.knn_options import show_trace
from kb_server.cli.session import Session
from kb_server.domain import Answer, AnswerMode, Hit


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
    headings = {hit.chunk.id: hit.chunk.heading_path for hit in answer.hits}
    several = len({hit.base for hit in answer.hits}) > 1
    table = Table(box=None, show_header=False, padding=(0, 1))
    for citation in answer.citations:
        mark = "[green]✓[/]" if citation.supported else "[red]?[/]"
        path, base = headings.get(citation.chunk_id, ()), citation.base if several else ""
        where = place(session, citation.document, citation.page, path, base)
        table.add_row(f"[cyan]\\[{citation.number}][/]", mark, where)
        if answer.mode is AnswerMode.GENERATE:
            table.add_row("", "", f"[dim]“{escape(citation.quote)}”[/]")
    session.console.print(table)
    if any(not citation.supported for citation in answer.citations):
        note = session.say("? the cited passage does not say this", "? 所引段落并未这样说")
        session.console.print(f"[red]{note}[/]")


def place(session: Session, document: str, page: int | None, heading_path: tuple[str, ...], base: str = "") -> str:
    """Say where a passage stands: perhaps the base, document, page, headings."""
    parts = [escape(base)] if base else []
    parts.append(f"[bold blue]{escape(document)}[/]")
    if page is not None:
        parts.append(session.say(f"p. {page}", f"第 {page} 页"))
    if heading_path:
        parts.append(f"[dim]{escape(' › '.join(heading_path))}[/]")
    return " · ".join(parts)
