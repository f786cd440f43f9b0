"""Dead letters: how they are made and closed, which order and shop they are about.

The rules about them are in `dead_letter_rules.py`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal
from uuid import uuid5

from contracts.envelope import NAMESPACE
from contracts.model import Part
from contracts.operations import DeadLettered, DeadLetterSettled, FailedDelivery
from contracts.reasons import Reason
from services.engine.kafka.record import Record, to_failed_record
from services.engine.outbox.decision import Delivery
from services.engine.outbox.lane import Row
from services.engine.person_ids import personal_digest
from services.engine.state.records import Kind


def dead_letter_digest(payload: dict[str, Any], blocked_on: str | None) -> str:
    """Identifies a dead letter by its payload, and by what it was blocked on when its deadline passed."""
    return personal_digest(payload) + (f"|{blocked_on}" if blocked_on else "")


SettlementKind = Literal["replayed", "edited", "discarded", "overtaken"]
PERSON = "person"
"""The part of a payload that holds personal data; a dead letter keeps it in a field of its own."""


class Parked(Part):
    """A dead letter of this service. A closed one is kept, so that a late command about it is answered.

    `replacement` is the id of what is tried instead of an edited one.
    """

    event: DeadLettered
    state: Literal["open"] | SettlementKind = "open"
    replacement: str = ""


class AwaitedThing(Part):
    """The subject of an open dead letter whose delivery waited too long for a thing: it is sent when that exists."""

    subject: str


PARKED = Kind("parked", Parked)
AWAITED_THINGS = Kind("awaited", AwaitedThing)
"""By dead letter; the reference is the name of the thing."""
UNHANDLED = Kind("unhandled", DeadLettered)
"""Dead letters about records that are not published yet: after a rebuild they may turn out to be known."""
OTHER_SERVICES = Kind("others-dead-letter", DeadLettered)
"""Other services' dead letters about records that no service can read: a replay concerns every reader."""
REPLAYED = Kind("others-replayed", DeadLettered)
"""The same, once a person has replayed the record."""


def dead_letter_id(service: str, what: str) -> str:
    """The id of a dead letter: the same failure of the same thing has the same id."""
    return str(uuid5(NAMESPACE, f"dead-letter|{service}|{what}"))


def dead_letter_of_record(service: str, record: Record, reason: str, detail: str, now: datetime) -> DeadLettered:
    """The dead letter of a record that cannot be handled, with its bytes."""
    where = f"{record.topic}/{record.partition}/{record.offset}"
    key = (record.key or b"").decode(errors="replace")
    return DeadLettered(
        dead_letter=dead_letter_id(service, where),
        service=service,
        original_key=key,
        reason=reason,
        detail=detail,
        about=f"record {where}" + (f" of {key}" if key else ""),
        record=to_failed_record(record),
        digest=reason,
        at=now,
    )


def dead_letter_of_delivery(
    service: str, subject: str, delivery: Delivery | Row, reason: Reason | str, detail: str, digest: str, now: datetime
) -> DeadLettered:
    """The dead letter of a delivery that was refused, with its payload and attempts.

    Personal data is in its own field. A payload with `person: null` keeps that, because its digest includes it.
    """
    return DeadLettered(
        dead_letter=dead_letter_id(service, delivery.id),
        service=service,
        original_key=delivery.key,
        reason=str(reason),
        detail=detail,
        about=delivery.id,
        delivery=FailedDelivery(
            delivery_id=delivery.id,
            subject=subject,
            kind=delivery.kind,
            lane=delivery.lane,
            payload={name: part for name, part in delivery.payload.items() if name != PERSON or part is None},
            attempts=delivery.attempts if isinstance(delivery, Row) else (),
            blocked_on=delivery.blocked_on if isinstance(delivery, Row) else None,
        ),
        person_ref=delivery.payload.get("person_ref"),
        person=delivery.payload.get(PERSON),
        digest=digest,
        at=now,
    )


def make_settlement(
    dead_letter: DeadLettered, how: SettlementKind, by: str, why: str, now: datetime, replacement: str | None = None
) -> DeadLetterSettled:
    """The event that closes a dead letter."""
    return DeadLetterSettled(
        dead_letter=dead_letter.dead_letter,
        service=dead_letter.service,
        original_key=dead_letter.original_key,
        how=how,
        by=by,
        why=why,
        replacement=replacement,
        at=now,
    )


ORDER_SERVICES = frozenset({"store-feed", "order-exporter", "refund-exporter", "order-notifier"})
"""Services whose subjects are `shop:order`."""
SHOP_SERVICES = ORDER_SERVICES | {"catalog-importer", "stock-publisher"}
"""Services whose subjects name a shop; those of balance-feed (`stock:import`) only look so."""
ORDER_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "shop.notices")
SHOP_TOPICS = (*ORDER_TOPICS, "shop.customers", "catalog.links", "catalog.plans", "stock.availability")
_SHOP = re.compile(r"(?:(?:customer|accept|webhooks of) )?([a-z0-9][a-z0-9-]{0,31})(:.+)?")
_ORDER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}:[1-9][0-9]{0,18}")


def subject_of(dead_letter: DeadLettered) -> str:
    """The subject that failed, or the key of the record that could not be handled."""
    return dead_letter.delivery.subject if dead_letter.delivery else dead_letter.original_key


def order_key_of(dead_letter: DeadLettered) -> str | None:
    """The order that a dead letter is about, as `shop:order`; None for any other dead letter.

    Keys and subjects take many forms: `shop:order`, `shop:item`, a Balance uid, the identity of a client,
    `customer shop:id`, the subject of a fault. Only this module reads them.
    """
    subject = subject_of(dead_letter)
    return subject if _names_order(dead_letter) and _ORDER.fullmatch(subject) else None


def order_of(dead_letter: DeadLettered) -> int | None:
    """The number of the order that a dead letter is about."""
    key = order_key_of(dead_letter)
    return int(key.rpartition(":")[2]) if key else None


def shop_of(dead_letter: DeadLettered) -> str | None:
    """The shop that a dead letter is about."""
    found = _SHOP.fullmatch(subject_of(dead_letter)) if _names_shop(dead_letter) else None
    return dead_letter.shop or (found[1] if found and (found[2] or " " in found[0]) else None)


def _names_order(dead_letter: DeadLettered) -> bool:
    if dead_letter.record is not None:
        return dead_letter.record.topic.endswith(ORDER_TOPICS)
    return dead_letter.service in ORDER_SERVICES


def _names_shop(dead_letter: DeadLettered) -> bool:
    if dead_letter.record is not None:
        return dead_letter.record.topic.endswith(SHOP_TOPICS)
    return dead_letter.service in SHOP_SERVICES
