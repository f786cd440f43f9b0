"""What the accountant sees: a document of a new shape that waits for approval, and a parcel refused at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import credit_note_id, refund_key, sale_id
from contracts.ledger import NO_REFUND
from services.cli.requests import command_header
from services.cli.screen import console
from services.demo.choose import further
from services.demo.stage import Stage
from services.engine.client.commands import send_command
from services.settings.model import Settings

say = partial(console.print, soft_wrap=True)


def rules() -> dict[str, Mapping[str, Any]]:
    """The settings of a careful first day."""
    return {"shops__main__orders": {"approve-first": 1, "after-sale": "credit"}}


async def gate(stage: Stage, careful: Settings) -> None:
    """One more order: its Sale waits, is approved, and is credited when the parcel comes back."""
    await stage.crew.stop()
    await stage.crew.start(careful)
    order_id = further()[0]
    key = f"main:{order_id}"
    await stage.place(order_id)
    await stage.until(lambda: len(_asked(stage, sale_id(key))), 1, "a question")
    await _approve(stage, _asked(stage, sale_id(key))[0])
    await stage.until(lambda: int(key in stage.ledger.sales), 1, "the approved Sale")
    answer = await stage.world.shop.put(f"/wp-json/wc/v3/orders/{order_id}", json={"status": "cancelled"})
    answer.raise_for_status()
    say(f"  The parcel of order {order_id} is refused at the door; the shop cancels the order.")
    reversal = credit_note_id(refund_key(key, NO_REFUND))
    await stage.until(lambda: len(_asked(stage, reversal)), 1, "a correction is proposed")
    await _approve(stage, _asked(stage, reversal)[0])
    await stage.until(lambda: int(f"{key}:credit-note:0" in stage.ledger.notes), 1, "the approved credit note")
    await stage.rests()


def _asked(stage: Stage, document: str) -> list[ApprovalAsked]:
    events = (envelope.data for envelope in stage.ledger.story)
    return [event for event in events if isinstance(event, ApprovalAsked) and event.document == document]


async def _approve(stage: Stage, asked: ApprovalAsked) -> None:
    say(f"  {asked.document}, {asked.total} {asked.currency}, waits: {asked.shape}")
    say(f"  The accountant looks and agrees:  davtari approve document {asked.document}")
    given = ApprovalGiven(shop=asked.shop, shape=asked.shape, document=asked.document, **command_header())
    await send_command(stage.live.kafka, given, datetime.now(UTC))
