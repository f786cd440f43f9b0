"""What balance-feed remembers: the facts it published, to compare snapshots with, and commands.

Its subjects are faults only: `items:snapshot`, `items:<uid>`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged, StockChanged
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import CommandSettled, ImportRequested
from services.engine.outbox.faults import decide_fault
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import Kind, State

NAME = "balance-feed"
Resource = Literal["items", "prices", "stock"]
RESOURCES: tuple[Resource, ...] = ("items", "prices", "stock")


class Observed(Part):
    """The digest of the rows last read for one key: rows with an equal digest are not even parsed.

    It is empty for a key that is only known from the topics, and for one missing from the last `missed` snapshots.
    """

    digest: str
    missed: int = 0


ITEM = Kind("item", ItemChanged)
PRICES = Kind("prices", PriceChanged)
STOCK = Kind("stock", StockChanged)
STATED: dict[Resource, Kind[Any]] = {"items": ITEM, "prices": PRICES, "stock": STOCK}
"""The last published fact, by resource."""
COMMAND = Kind("import-command", ImportRequested)
OBSERVED: dict[Resource, Kind[Observed]] = {name: Kind(f"observed:{name}", Observed) for name in RESOURCES}


def handlers() -> Handlers:
    """Return the rules of balance-feed."""
    return Handlers(
        topics=("balance.items", "balance.prices", "balance.stock", "operations"),
        remember={
            ItemChanged: partial(_on_fact, "items", lambda item: True),
            ItemWithdrawn: _on_item_withdrawn,
            PriceChanged: partial(_on_fact, "prices", lambda event: bool(event.prices)),
            StockChanged: partial(_on_fact, "stock", lambda event: bool(event.rows)),
            ImportRequested: lambda envelope, state: state.put(COMMAND, envelope.data.command_id, envelope.data),
            CommandSettled: _on_command_settled,
        },
        decide=decide_fault,
        news={
            ItemChanged: lambda event, state: changed_event(event, state.get(ITEM, event.item)),
            PriceChanged: lambda event, state: changed_event(event, state.get(PRICES, event.item)),
            StockChanged: lambda event, state: changed_event(event, state.get(STOCK, event.item)),
            ItemWithdrawn: lambda event, state: [event] if state.get(ITEM, event.item) else [],
        },
    )


def changed_event(event: Event, known: Event | None) -> list[Event]:
    """Return the event with the names of the fields that differ from the last one; nothing if none differs."""
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields else []


def _content(event: Event) -> dict[str, Any]:
    return event.model_dump(exclude={"changed", "observed_at"})


def _on_fact(resource: Resource, is_present: Callable[[Any], bool], envelope: Envelope[Any], state: State) -> None:
    """A fact of this service. In a rebuilt database its key becomes known, so that its absence is noticed."""
    event = envelope.data
    state.put(STATED[resource], event.item, event)
    if not is_present(event):
        state.drop(OBSERVED[resource], event.item)
    elif state.get(OBSERVED[resource], event.item) is None:
        state.put(OBSERVED[resource], event.item, Observed(digest=""))


def _on_item_withdrawn(envelope: Envelope[ItemWithdrawn], state: State) -> None:
    state.drop(ITEM, envelope.data.item)
    state.drop(OBSERVED["items"], envelope.data.item)


def _on_command_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == NAME:
        state.drop(COMMAND, envelope.data.command_id)
