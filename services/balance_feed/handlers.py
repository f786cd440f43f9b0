"""What balance-feed remembers: its own facts (to compare with) and commands.

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
    """The digest of what was last observed of one key: what is equal to it is not even parsed.

    It is empty for a key that is known from the topics only, and for one that the last `missed` snapshots lacked.
    """

    digest: str
    missed: int = 0


ITEM = Kind("item", ItemChanged)
PRICES = Kind("prices", PriceChanged)
STOCK = Kind("stock", StockChanged)
STATED: dict[Resource, Kind[Any]] = {"items": ITEM, "prices": PRICES, "stock": STOCK}
"""What was stated last, by resource."""
COMMAND = Kind("import-command", ImportRequested)
OBSERVED: dict[Resource, Kind[Observed]] = {name: Kind(f"observed:{name}", Observed) for name in RESOURCES}


def handlers() -> Handlers:
    """The rules of balance-feed."""
    return Handlers(
        topics=("balance.items", "balance.prices", "balance.stock", "operations"),
        remember={
            ItemChanged: partial(_stated, "items", lambda item: True),
            ItemWithdrawn: _withdrawn,
            PriceChanged: partial(_stated, "prices", lambda event: bool(event.prices)),
            StockChanged: partial(_stated, "stock", lambda event: bool(event.rows)),
            ImportRequested: lambda envelope, state: state.put(COMMAND, envelope.data.command_id, envelope.data),
            CommandSettled: _answered,
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
    """The event with the fields that differ from what is known; nothing when none does."""
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields else []


def _content(event: Event) -> dict[str, Any]:
    return event.model_dump(exclude={"changed", "observed_at"})


def _stated(resource: Resource, is_there: Callable[[Any], bool], envelope: Envelope[Any], state: State) -> None:
    """Our own fact. In a rebuilt database its key is known again, so that its absence from a snapshot is seen."""
    event = envelope.data
    state.put(STATED[resource], event.item, event)
    if not is_there(event):
        state.drop(OBSERVED[resource], event.item)
    elif state.get(OBSERVED[resource], event.item) is None:
        state.put(OBSERVED[resource], event.item, Observed(digest=""))


def _withdrawn(envelope: Envelope[ItemWithdrawn], state: State) -> None:
    state.drop(ITEM, envelope.data.item)
    state.drop(OBSERVED["items"], envelope.data.item)


def _answered(envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == NAME:
        state.drop(COMMAND, envelope.data.command_id)
