"""Printing why a passage was found or not."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import Session

if TYPE_CHECKING:
    from kb_server.services.explaining import Explanation

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
