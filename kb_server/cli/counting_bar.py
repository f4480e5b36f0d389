"""A progress bar for questions: how many are done, and how long the rest will take."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kb_server.cli.session import Session


@contextmanager
def counting_bar(session: Session, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; what is yielded is told how many of how many are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    left = TextColumn(session.say("left", "剩余"))
    columns = (SpinnerColumn(), BarColumn(bar_width=30), MofNCompleteColumn(), left, TimeRemainingColumn())
    with Progress(*columns, console=session.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
