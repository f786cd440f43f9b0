"""A day is green once its differences are accepted, until their amounts change; who and why is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.closing import DayClosed, DifferenceAccepted
from contracts.model import Event
from services.cli.day_close.read_back import RecordedDocument, compare_document
from services.console.model.days.close import DifferenceNotFound, build_acceptance, close_day, with_text_digest
from tests.cli.day_events import ASKED, DAY, NOW, REFUND_DAY, USING, close_of, day_entries, recorded_credit_note
from tests.support.exporting import ORDER, SHOP, given_back, line, order, recorded_sale, refund

BOUGHT = order(line(1, "118.00", quantity="2"))
SALE = recorded_sale(BOUGHT, USING)
TAX_ALONE = refund("9.00", given_back(1, "0.00", total_tax="9.00"))
NAME = f"refund:{ORDER}:1051"


def vat_of_balance(event: Event) -> Event:
    """Balance computes VAT at the rate, also where tax alone was given back (the known case)."""
    note = recorded_credit_note(TAX_ALONE, BOUGHT)
    lines = tuple(each.model_copy(update={"vat": Decimal("1.37")}) for each in note.lines)
    return note.model_copy(update={"vat": Decimal("1.37"), "lines": lines})


STORY: tuple[Event, ...] = (BOUGHT, SALE, TAX_ALONE, vat_of_balance(TAX_ALONE))


def accepted(close: DayClosed, name: str = NAME, why: str = "tax alone: agreed with the office") -> DifferenceAccepted:
    return build_acceptance(close, name, why, "nino", NOW, f"c-{why}")


@pytest.mark.claim("I2")
def test_a_refund_of_tax_alone_is_accepted_and_the_day_is_green_with_who_and_why() -> None:
    close = close_of(*STORY, date=REFUND_DAY)
    assert (close.green, [one.name for one in close.differences]) == (False, [NAME])
    again = close_of(*STORY, accepted(close), date=REFUND_DAY)
    [shown] = again.differences
    assert shown.accepted is not None
    assert (again.green, shown.accepted.by, shown.accepted.why) == (True, "nino", "tax alone: agreed with the office")
    assert again.digest != close.digest


@pytest.mark.claim("I2")
def test_changed_amounts_must_be_accepted_again() -> None:
    given = accepted(close_of(*STORY, date=REFUND_DAY))
    changed = TAX_ALONE.model_copy(update={"lines": (given_back(1, "0.00", total_tax="8.00"),)})
    events = (*STORY, given, changed)
    close = close_of(*events, date=REFUND_DAY)
    assert (close.green, close.differences[0].accepted) == (False, None)
    assert close_of(*events, accepted(close, why="seen again"), date=REFUND_DAY).green


def test_an_acceptance_is_valid_only_for_its_difference_and_day() -> None:
    other = order(line(1, "50.00"), order_id=77)
    events = (*STORY, other, accepted(close_of(*STORY, date=REFUND_DAY)))
    close = close_of(*events, date=DAY)
    assert (close.green, [one.name for one in close.differences]) == (False, ["order:77"])


def test_an_unknown_difference_is_refused_and_the_existing_ones_are_listed() -> None:
    with pytest.raises(DifferenceNotFound, match=NAME):
        accepted(close_of(*STORY, date=REFUND_DAY), name="order:1")


def test_a_difference_found_in_balance_can_be_accepted_until_balance_changes() -> None:
    [entry] = day_entries((BOUGHT, SALE))
    gone = compare_document(RecordedDocument(entry, "Sale", SALE.sale, SALE.total, SALE.date), None, USING.balance)
    assert gone is not None
    close = close_day((SHOP, DAY), [entry], USING.shops[SHOP], "nino", NOW, asked=ASKED, read=[gone])
    given = accepted(close, f"order:{ORDER}", "moved to another base")
    rules = USING.shops[SHOP]
    known = {given.key: given}
    assert close_day((SHOP, DAY), [entry], rules, "nino", NOW, asked=ASKED, read=[gone], accepted=known).green
    worse = gone.model_copy(update={"amount": gone.amount / 2})
    assert with_text_digest(worse).figures != close.differences[0].figures
    assert not close_day((SHOP, DAY), [entry], rules, "nino", NOW, asked=ASKED, read=[worse], accepted=known).green
