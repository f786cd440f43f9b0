"""An edited document is validated like the output of a service: fields, amounts, dates and references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest

from contracts.operations import DeadLettered
from services.accounting.documents.unbookable import Unbookable
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters import edit_check as looking_up
from services.cli.dead_letters.correction import Correction, build_correction, editable_document
from services.cli.dead_letters.edit_check import EditContext, check_references, confirm_doubts
from services.cli.dead_letters.pointers import set_value
from services.engine.outbox.dead_letters import dead_letter_of_delivery
from services.engine.outbox.decision import Delivery
from services.engine.outbox.upstream_errors import Unavailable
from services.engine.person_ids import personal_digest
from services.sandbox import recorded
from tests.cli.dead_letter_events import dead_letters
from tests.order_exporter.receipt_bench import receipt, sold
from tests.refund_exporter.refund_bench import note
from tests.support.exporting import KEY, PAID, given_back, line, order, recorded_order, refund, sale_task, settings
from tests.support.memory_state import NOON

pytestmark = pytest.mark.claim("S1.18")
USING = settings()
BOUGHT = order(line(1, "118.00", quantity="2"), line(2, "50.00", product=312))
BACK = refund("59.00", given_back(1, "59.00", quantity="1"))
KNOWN = EditContext(date(2026, 3, 20), BOUGHT, BACK, locked_until=date(2026, 2, 28))
SALE: dict[str, Any] = sale_task(BOUGHT, USING).model_dump(mode="json")
NOTE: dict[str, Any] = note(BACK, using=USING, bought=BOUGHT).model_dump(mode="json")
RECEIPT: dict[str, Any] = receipt(sold().again(KEY, NOON)).model_dump(mode="json")


def refused(payload: dict[str, Any], kind: str = "sale") -> DeadLetter:
    """The dead letter of a delivery that Balance refused."""
    about = Delivery(f"{kind}:{KEY}", kind, "balance.documents", KEY, payload)
    reason = ("balance.period-closed", "closed", personal_digest(payload), PAID)
    event = dead_letter_of_delivery("order-exporter", KEY, about, *reason)
    (one,) = dead_letters(DeadLettered.model_validate_json(event.model_dump_json()))
    return one


def edited(assignments: Sequence[str], payload: dict[str, Any] = SALE, kind: str = "sale") -> Correction:
    one = refused(payload, kind)
    made = editable_document(one)
    for assignment in assignments:
        made = set_value(made, assignment)
    return build_correction(one, made, "why", (), KNOWN)


REFUSED = {
    "an unknown field": (["/document/Dtae=2026-03-03T00:00:00"], "/document/Dtae is not a known field"),
    "an unknown field of a row": (["/document/Items/0/Prise=2"], "/document/Items/0/Prise is not a known field"),
    "an unknown field of a line": (["/lines/0/prise=2"], "/lines/0/prise is not a known field"),
    "an unknown field beside the document": (["/dokument={}"], "/dokument is not a known field"),
    "a number that is no text": (["/document/CurrencyRate=2.5"], "must be text"),
    "a number with a comma": (["/document/Items/0/Amount=118,00"], "is not a number"),
    "half a tetri": (["/document/Items/0/Amount=118.005"], "more than two decimals"),
    "another amount in the document": (["/document/Items/0/Amount=117.00"], "amount is 118.00: change both"),
    "another item in the document alone": (["/document/Items/0/Item=x"], "change both"),
    "another price": (["/document/Items/0/Price=58.0000"], "is not equal to Amount"),
    "another total": (["/total=167.00"], "/lines add up to 168.00, but /total is 167.00"),
    "another total with its lines": (
        [
            "/total=167.00", "/lines/0/amount=117.00", "/document/Items/0/Amount=117.00",
            "/document/Items/0/Price=58.5000",
        ],
        "/total is 167.00, but in the shop it is 168.00",
    ),
    "another VAT": (["/vat=1.00"], "the VAT of /lines"),
    "2031": (["/document/Date=2031-03-03T00:00:00"], "more than 31 days ahead"),
    "a year too early": (["/document/Date=2025-02-03T00:00:00"], "more than a year before the order was placed"),
    "no date": (["/document/Date=tomorrow"], "invalid date"),
    "a day that does not exist": (["/date=2026-02-30"], "invalid date"),
    "two dates": (["/document/Date=2026-03-03T00:00:00", "/date=2026-03-04"], "different values"),
    "two clients": (["/document/Client=a", "/client=b"], "different values"),
}  # fmt: skip


@pytest.mark.parametrize(("assignments", "message"), REFUSED.values(), ids=list(REFUSED))
def test_an_invalid_edit_is_refused_with_the_fault(assignments: list[str], message: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Nothing was sent|Invalid payload|different values") as refusal:
        edited(assignments)
    assert message in str(refusal.value)


DOUBTED = {
    "tomorrow": ("2026-03-21", "in the future"),
    "a closed period": ("2026-02-28", "in a closed period (orders.locked-until 2026-02-28)"),
    "before the order": ("2026-02-28", "before the order was placed (2026-03-01)"),
    "another month": ("2026-04-02", "in another VAT month than 2026-03-02"),
}


@pytest.mark.parametrize(("day", "doubt"), DOUBTED.values(), ids=list(DOUBTED))
def test_an_unusual_date_must_be_confirmed(day: str, doubt: str) -> None:
    made = edited([f"/document/Date={day}T00:00:00"])
    assert any(doubt in one for one in made.doubts), made.doubts
    with pytest.raises(InvalidArgument, match="--yes"):
        confirm_doubts(made.doubts, yes=False)
    confirm_doubts(made.doubts, yes=True)


@pytest.mark.parametrize("assignment", ["/document/Date=2026-03-05T00:00:00", "/date=2026-03-05"])
def test_the_date_is_the_same_in_the_document_and_in_what_is_recorded(assignment: str) -> None:
    made = edited([assignment])
    assert (made.payload["date"], made.payload["document"]["Date"]) == ("2026-03-05", "2026-03-05T00:00:00")
    assert (made.changed, made.doubts) == (("/date", "/document/Date"), ())


def test_a_line_is_changed_with_its_row_while_the_total_stays() -> None:
    made = edited(
        [
            "/lines/0/amount=117.00", "/document/Items/0/Amount=117.00", "/document/Items/0/Price=58.5000",
            "/lines/1/amount=51.00", "/document/Items/1/Amount=51.00", "/document/Items/1/Price=51.0000",
        ]
    )  # fmt: skip
    assert made.doubts == ()


@pytest.mark.parametrize(
    ("payload", "kind", "right", "wrong", "message"),
    [
        (NOTE, "credit-note", "/document/Date=2026-03-06T00:00:00", "/total=58.00", "/lines add up to 59.00"),
        (RECEIPT, "receipt", "/document/Comments=cash", "/document/Amount=1.00", "/document/Amount is 1.00"),
    ],
)
def test_credit_notes_and_receipts_are_checked_too(
    payload: dict[str, Any], kind: str, right: str, wrong: str, message: str
) -> None:
    assert edited([right], payload, kind).changed
    with pytest.raises(InvalidArgument, match=message):
        edited([wrong], payload, kind)


def tasks() -> Iterator[dict[str, Any]]:
    """The Sale of every recorded order that can be booked."""
    using = settings(balance={"currencies": {"USD": "u", "EUR": "e"}})
    for order_id in recorded.list_order_ids():
        try:
            yield sale_task(recorded_order(recorded.get_recording(order_id)), using).model_dump(mode="json")
        except Unbookable:
            continue


def test_the_documents_of_every_recorded_order_are_valid() -> None:
    """An edit of only the comment is never refused, for the Sale of every recorded order."""
    found = list(tasks())
    assert len(found) > 200
    for payload in found:
        made = build_correction(
            refused(payload), payload | {"notes": ["edited"]}, "why", (), EditContext(date(2026, 12, 31))
        )
        assert made.doubts == ()


# -- references


class Books:
    """A Balance with one record of each kind."""

    def __init__(self, *_: object) -> None:
        return

    async def __aenter__(self) -> Books:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def client(self, uid: str) -> object:
        return uid if uid == "known" else None

    item = sale = client

    async def warehouses(self) -> list[Any]:
        raise Unavailable("Balance does not answer")


async def looked_up(assignment: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(looking_up, "Balance", Books)
    monkeypatch.setattr(type(USING.balance), "password", lambda _: "secret")
    return await check_references(USING, SALE, set_value(SALE, assignment))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("/document/Client=other", "Balance has no Client other"),
        ("/document/Items/0/Item=other", "Balance has no Item other"),
        ("/document/Currency=other", "is not one of balance.currencies"),
    ],
)
async def test_a_reference_that_balance_does_not_have_is_refused(
    assignment: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        await looked_up(assignment, monkeypatch)


async def test_an_existing_reference_is_accepted_and_one_that_cannot_be_looked_up_must_be_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await looked_up("/document/Client=known", monkeypatch) == []
    assert await looked_up("/document/Comments=other", monkeypatch) == []
    [doubt] = await looked_up("/document/Warehouse=other", monkeypatch)
    assert "could not be looked up in Balance" in doubt
