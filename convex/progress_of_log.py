"""Show on a terminal how far a command has read a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_of_log() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr, where that is a terminal; enter it for a function of records read and of all."""
    console = Console(stderr=True)
    columns = (
        TextColumn("reading the log"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("log", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
