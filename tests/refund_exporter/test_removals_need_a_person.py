"""What the shop no longer shows, or does not show as it is, takes nothing out of the books by itself."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.shop import RefundUnreadable
from services.engine.outbox.decision import Decision
from services.refund_exporter import handlers
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.model import Settings
from tests.refund_exporter.diverged_sales import CANCELLED, EDITED, REMOVED, divergences
from tests.refund_exporter.refund_bench import BOUGHT, SALE, TEA
from tests.support.exporting import KEY, ORDER, SHOP, given_back, push, refund, settings
from tests.support.memory_state import NOON, Consumer

REVERSAL = f"credit-note:{KEY}:0"


def decided(*events: Event, using: Settings) -> Decision:
    """What refund-exporter decides in the end."""
    return Consumer(handlers.handlers(using)).take(SALE, *events)[KEY]


def question(decision: Decision) -> ApprovalAsked:
    """What the accountant is asked."""
    (asked,) = [event for event in decision.announce if isinstance(event, ApprovalAsked)]
    return asked


def approval(asked: ApprovalAsked, document: str | None) -> ApprovalGiven:
    """The accountant's approval of a document, or of its shape."""
    by = {"command_id": "a-1", "asked_by": "nino", "asked_at": NOON, "shop": SHOP, "shape": asked.shape}
    return ApprovalGiven.model_validate({**by, "document": document})


@pytest.mark.claim("K28")
@pytest.mark.parametrize("policy", ["credit", "credit-and-new-sale"])
@pytest.mark.parametrize("approve_first", [0, 3])
def test_the_sale_of_a_removed_order_is_credited_only_when_a_person_approves_it(
    policy: str, approve_first: int
) -> None:
    using = settings(after_sale=policy, approve_first=approve_first)
    gone = divergences(REMOVED, policy=policy)
    waiting = decided(*gone, using=using)
    asked = question(waiting)

    (delivery,) = waiting.deliveries
    assert delivery.id == REVERSAL
    assert delivery.blocked is not None
    assert (delivery.blocked.reason, delivery.blocked.on) == (Reason.APPROVAL_REMOVAL, f"approval:{REVERSAL}")
    assert f"davtari approve document {REVERSAL}" in delivery.blocked.detail
    for approved in (approval(asked, REVERSAL), approval(asked, None)):
        (allowed,) = decided(*gone, asked, approved, using=using).deliveries
        assert allowed.blocked is None


def test_approvals_of_other_reversals_let_no_removal_through() -> None:
    using = settings(after_sale="credit", approve_first=1)
    of_cancelled = question(decided(*divergences(CANCELLED), using=using))

    (delivery,) = decided(*divergences(REMOVED), of_cancelled, approval(of_cancelled, None), using=using).deliveries

    assert delivery.blocked is not None
    assert delivery.blocked.reason == Reason.APPROVAL_REMOVAL


def test_an_order_that_is_back_needs_no_approval_any_more() -> None:
    assert not decided(*divergences(REMOVED, BOUGHT), using=settings(after_sale="credit")).deliveries


def test_a_cancelled_order_is_credited_as_the_policy_says() -> None:
    (delivery,) = decided(*divergences(CANCELLED), using=settings(after_sale="credit")).deliveries

    assert delivery.blocked is None


def unreadable(**more: Any) -> RefundUnreadable:
    """The refund 1051, that cannot be read."""
    known = {"shop": SHOP, "order_id": ORDER, "refund_id": 1051, "reason": "shop.refund-invalid", "observed_at": NOON}
    return RefundUnreadable.model_validate({**known, "detail": "refund 1051: its quantity has the wrong sign", **more})


READABLE = refund("15.00", given_back(TEA, "15.00", quantity="1"), refund_id=1051)
OTHER = refund("30.00", given_back(TEA, "30.00", quantity="2"), refund_id=1052)


@pytest.mark.claim("K28", "K29")
def test_a_refund_that_cannot_be_read_waits_and_the_others_go() -> None:
    decision = decided(unreadable(), OTHER, using=settings())

    assert [delivery.id for delivery in decision.deliveries] == [f"credit-note:{KEY}:1052"]
    assert not decision.refuse


@pytest.mark.parametrize("reason", ["shop.refunds-differ", "shop.refund-missing"])
def test_a_refund_that_was_known_waits_while_the_shop_does_not_show_it(reason: str) -> None:
    waits = decided(READABLE, unreadable(reason=reason), using=settings())
    shown_again = decided(READABLE, unreadable(reason=reason), READABLE, using=settings())

    assert not waits.deliveries
    assert [delivery.id for delivery in shown_again.deliveries] == [f"credit-note:{KEY}:1051"]


@pytest.mark.parametrize("became", [CANCELLED, EDITED], ids=["cancelled", "edited"])
def test_no_whole_sale_is_credited_while_a_refund_of_it_is_not_known(became: Event) -> None:
    using = settings(after_sale="credit-and-new-sale")
    held = decided(*divergences(became), unreadable(), using=using)
    known = decided(*divergences(CANCELLED), unreadable(), READABLE, using=using)

    assert not held.deliveries
    first, rest = (CreditNoteTask.model_validate(delivery.payload) for delivery in known.deliveries)
    assert (first.refund_id, first.total + rest.total) == (1051, SALE.total)


def test_a_push_of_a_refund_that_cannot_be_read_says_so() -> None:
    decision = decided(unreadable(), push("refund", refund_id=1051), using=settings())

    (answer,) = [event for event in decision.announce if isinstance(event, CommandSettled)]
    assert "wrong sign" in answer.detail
