"""What went back to the shop's orders, in one line each."""

from __future__ import annotations

from contracts.model import Event
from contracts.notices import OrderNotePlanned, OrderNoteWritten, OrderStatusPlanned, OrderStatusWritten


def said_of_notice(event: Event) -> str | None:
    """What a note or status means for its order; None for other events."""
    match event:
        case OrderNoteWritten():
            return f"{_kind(event)} {event.note_id} {event.how} in the shop: {event.says}"
        case OrderNotePlanned():
            return f"dry run: would write a {_kind(event)}: {event.says}"
        case OrderStatusWritten():
            how = "set in the shop" if event.how == "written" else "found in the shop"
            return f"status {event.was} → {event.status} {how}, since it is {event.booked} in the books"
        case OrderStatusPlanned():
            return (
                f"dry run: would set the status {event.was} → {event.status}, since it is {event.booked} in the books"
            )
        case _:
            return None


def _kind(event: OrderNoteWritten | OrderNotePlanned) -> str:
    return "note to the customer" if event.customer else "private note"
