"""Orders that a person wants stated again: the topics lack what this service believes to have stated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import ReadRequested
from services.engine.outbox.handlers import News
from services.engine.state.records import Kind, State
from services.store_feed.hints import HINT, LOOKED, ORDERS, wonder


class Again(Part):
    """The hint whose look states the order again, whatever was stated before."""

    asked: int


AGAIN = Kind("state-again", Again)
"""By order."""


def read_requested(envelope: Envelope[ReadRequested], state: State) -> None:
    """Look at each of these orders."""
    keys = [order_key(envelope.data.shop, order_id) for order_id in envelope.data.order_ids]
    wonder(keys, ORDERS, state)
    for key, hint in state.get_many(HINT, keys).items():
        state.put(AGAIN, key, Again(asked=hint.asked))


def stated_again(news: News) -> News:
    """The rule, which also lets an event through that repeats what is known while its order is wanted again."""

    def rule(event: Any, state: State) -> Sequence[Event]:
        said = list(news(event, state))
        repeats = not any(isinstance(one, type(event)) for one in said)
        return [event, *said] if repeats and _is_wanted(event.key, state) else said

    return rule


def _is_wanted(key: str, state: State) -> bool:
    again, looked = state.get(AGAIN, key), state.get(LOOKED, key)
    return again is not None and (looked is None or looked.served < again.asked)
