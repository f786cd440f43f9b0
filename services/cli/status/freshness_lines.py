"""How `davtari status` says whether everything is fresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.cli.status.freshness import ByItself, FeedAge, Punctuality


def lines(ages: Sequence[FeedAge], punctual: Sequence[Punctuality], alone: Sequence[ByItself] = ()) -> Iterator[str]:
    """One line for all feeds, and two for the paid orders of each shop (in rich's markup)."""
    if ages:
        told = [f"[{'red' if one.stale else 'default'}]{one.feed} {_span(one.age)} ago[/]" for one in ages]
        yield f"Read whole: {' · '.join(told)}"
    yield from map(_punctuality, punctual)
    yield from (_alone(one) for one in alone if one.orders)


def _punctuality(one: Punctuality) -> str:
    about = f"Paid orders of {one.shop}, {one.days} days: "
    if one.share is None:
        return about + "none was due"
    colour = "green" if one.met else "red"
    within = f"{one.on_time:,} of {one.due:,} in Balance within {_span(one.within)}"
    return about + f"{within}, [{colour}]{one.share:.2%}[/] (objective {one.objective:.1%})"


def _alone(one: ByItself) -> str:
    return f"Without a person: {one.untouched:,} of {one.orders:,} orders of {one.shop}, {one.share:.2%}"


def _span(seconds: float) -> str:
    """A time in its largest unit: 40 s, 5 min, 3 h, 2 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
