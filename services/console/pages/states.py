"""How the state of an order looks: a mark and a colour beside its name, so that colour is never the only signal."""

from __future__ import annotations

from typing import NamedTuple

from services.console.model.order_states import StateName


class StateLook(NamedTuple):
    """The class of the style sheet, and the mark."""

    style: str
    mark: str


GOOD, BAD, HELD, WAITING, OVER = (
    StateLook("good", "✓"),
    StateLook("bad", "!"),
    StateLook("warn", "‖"),
    StateLook("wait", "…"),
    StateLook("over", "–"),
)
LOOKS: dict[StateName, StateLook] = {
    "in the books": GOOD,
    "booked by hand": GOOD,
    "needs a person": BAD,
    "not readable": BAD,
    "to be approved": HELD,
    "held": HELD,
    "reserved": WAITING,
    "due": WAITING,
    "waits for its Sale": WAITING,
    "watching": WAITING,
    "part of another order": OVER,
    "nothing to credit": OVER,
    "given up": OVER,
    "removed": OVER,
}
