"""What balance-feed remembers: its own facts (to compare with) and commands.

Its subjects are faults only: `items:snapshot`, `items:<uid>`.
"""

from __future__ import annotations

from typing import Any, Literal

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged, StockChanged
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import CommandSettled, ImportRequested
from services.shared.delivery.faults import decide_fault
from services.shared.delivery.handlers import Handlers
from services.shared.state.records import Kind, State

NAME = "balance-feed"
Resource = Literal["items", "prices", "stock"]


class Observed(Part):
    """The digest of the raw rows last seen of one key: equal rows are not even parsed."""

    digest: str


ITEM = Kind("item", ItemChanged)
PRICES = Kind("prices", PriceChanged)
STOCK = Kind("stock", StockChanged)
COMMAND = Kind("import-command", ImportRequested)
OPEN_COMMANDS = "open"
OBSERVED: dict[str, Kind[Observed]] = {
    resource: Kind(f"observed:{resource}", Observed) for resource in ("items", "prices", "stock")
}


def handlers() -> Handlers:
    """The rules of balance-feed."""
    return Handlers(
        topics=("balance.items", "balance.prices", "balance.stock", "operations"),
        remember={
            ItemChanged: lambda envelope, state: state.put(
                ITEM, envelope.data.item, envelope.data, _ref(envelope.data)
            ),
            ItemWithdrawn: lambda envelope, state: state.drop(ITEM, envelope.data.item),
            PriceChanged: lambda envelope, state: state.put(PRICES, envelope.data.item, envelope.data),
            StockChanged: lambda envelope, state: state.put(STOCK, envelope.data.item, envelope.data),
            ImportRequested: _asked,
            CommandSettled: _answered,
        },
        decide=decide_fault,
        news={
            ItemChanged: lambda event, state: _changed(event, state.get(ITEM, event.item)),
            PriceChanged: lambda event, state: _changed(event, state.get(PRICES, event.item)),
            StockChanged: lambda event, state: _changed(event, state.get(STOCK, event.item)),
            ItemWithdrawn: lambda event, state: [event] if state.get(ITEM, event.item) else [],
        },
    )


def _ref(item: ItemChanged) -> str:
    return "folder" if item.kind == "folder" else f"in:{item.group}"


def _changed(event: Event, known: Event | None) -> list[Event]:
    """The event with the fields that differ from what is known; nothing when none does."""
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields else []


def _content(event: Event) -> dict[str, Any]:
    return event.model_dump(exclude={"changed", "observed_at"})


def _asked(envelope: Envelope[ImportRequested], state: State) -> None:
    state.put(COMMAND, envelope.data.command_id, envelope.data, OPEN_COMMANDS)


def _answered(envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == NAME:
        state.drop(COMMAND, envelope.data.command_id)
