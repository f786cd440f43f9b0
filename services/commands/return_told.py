"""What the events about return requests say in one line."""

from __future__ import annotations

from contracts.model import Event
from contracts.returns import ReturnPlanned, ReturnRequested
from services.shared.documents.written import number


def said_of_return(event: Event) -> str:
    """What an event about return requests means for its order; empty for any other."""
    match event:
        case ReturnRequested():
            pieces = ", ".join(f"{number(line.quantity)} of line {line.order_line_id}" for line in event.lines)
            dry = ", in a dry run" if event.dry_run else ""
            return f"return request {event.request} ({pieces}) pushed by {event.asked_by}{dry}"
        case ReturnPlanned():
            return f"return request {event.request} would become a credit note of {event.total} {event.currency}"
        case _:
            return ""
