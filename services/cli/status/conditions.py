"""Which services their machine keeps from working, as they said last: a disk, a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.markup import escape

from contracts.alerts import ServiceStateChanged
from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.runtime.tbilisi import local_time


def troubled(said: Iterable[Envelope[Event]]) -> list[ServiceStateChanged]:
    """What stands now of all that was said, by service."""
    last: dict[tuple[str, str], ServiceStateChanged] = {}
    for envelope in said:
        if isinstance(event := envelope.data, ServiceStateChanged):
            last[event.service, event.reason] = event
    return [last[slot] for slot in sorted(last) if last[slot].condition == "troubled"]


def lines(found: Iterable[ServiceStateChanged]) -> Iterator[str]:
    """A line for each, in rich's markup."""
    for one in found:
        yield f"[red]{one.service}[/] since {local_time(one.at)}: {escape(one.why)} ({one.reason})"
