"""How a long replay shows that it gets on: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.dead_letters.results import Result
from services.cli.screen import errors


@contextmanager
def progress(count: int, known: list[Result]) -> Iterator[Callable[[Result], None]]:
    """Gives whom to tell of each result; it is added to `known`."""
    columns = (
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def tell(one: Result) -> None:
            known.append(one)
            bar.update(task, advance=1, description=f"{one.letter.letter.about}: {one.how}")

        yield tell
