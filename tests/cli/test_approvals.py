"""`davtari approvals`: documents waiting by shape, who approved what, and the history of the order."""

from __future__ import annotations

import pytest

from contracts.approvals import ApprovalAsked
from contracts.model import Event
from contracts.reasons import Reason
from services.cli.approvals import (
    ApprovalNotFound,
    ApprovalShape,
    collect_shapes,
    find_shape,
    find_shape_of_document,
)
from services.cli.orders.timeline import build_timeline
from tests.cli.day_events import close_of, envelopes
from tests.order_exporter.approval_events import SHAPE, approval
from tests.support.exporting import KEY, ORDER, PAID, SHOP, line, order, recorded_sale, settings

USING = settings(approve_first=1)
BOUGHT = order(line(1, "20.00"))
DOCUMENT = f"sale:{KEY}"
REQUEST = ApprovalAsked(
    shop=SHOP,
    document=DOCUMENT,
    kind="sale",
    order_id=ORDER,
    shape=SHAPE,
    total=BOUGHT.total,
    currency="GEL",
    asked_at=PAID,
)


def list_shapes(*events: Event) -> list[ApprovalShape]:
    return collect_shapes(envelopes(*events), USING.shops)


@pytest.mark.claim("I5")
def test_a_document_waits_until_it_is_approved_and_the_approval_names_the_person() -> None:
    [before] = list_shapes(REQUEST)
    assert [one.document for one in before.waiting] == [DOCUMENT]
    [after] = list_shapes(REQUEST, approval(DOCUMENT, why="checked"))
    assert (after.waiting, [(one.asked_by, one.why) for one in after.approvals]) == ((), [("nino", "checked")])
    assert (before.id, before.shape) == (after.id, SHAPE)


@pytest.mark.parametrize(
    "later",
    [recorded_sale(BOUGHT, USING), BOUGHT.model_copy(update={"status": "cancelled"}), approval()],
    ids=["recorded", "cancelled", "the whole shape is approved"],
)
def test_documents_that_need_no_approval_any_more_are_not_listed(later: Event) -> None:
    assert list_shapes(REQUEST, later)[0].waiting == ()


def test_documents_and_shapes_are_found_by_name() -> None:
    [one] = found = list_shapes(REQUEST)
    assert find_shape_of_document(found, DOCUMENT) is find_shape(found, one.id[:4]) is one
    for wrong in (lambda: find_shape_of_document(found, "sale:main:9"), lambda: find_shape(found, "nothing")):
        with pytest.raises(ApprovalNotFound, match="davtari approvals list"):
            wrong()


def test_the_passport_of_the_order_shows_the_request_and_who_approved_it() -> None:
    other = approval("sale:main:9", command_id="other")
    story = build_timeline(KEY, envelopes(BOUGHT, REQUEST, other, approval(why="as agreed")))
    assert story is not None
    entries = [entry.what for entry in story.entries]
    assert entries[1:] == [
        f"{DOCUMENT} waits for approval: {SHAPE}",
        f"the shape {SHAPE} approved by nino as agreed",
    ]


def test_the_day_close_reports_an_order_that_waits_for_its_approval() -> None:
    [one] = close_of(BOUGHT, REQUEST, using=USING).differences
    assert (one.reason, "davtari approvals list" in one.cause) == (Reason.APPROVAL_WAITS, True)
