"""Whatever is refunded, in whatever order: the notes never take more from a Sale than it holds, nor from a line."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger import RecordedLine
from contracts.shop import RefundIssued
from services.accounting.documents.unbookable import Unbookable
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.sale_basis import SaleBasis, build_basis, compute_remainder
from tests.support import exporting
from tests.support.exporting import VAT, ZERO_VAT, given_back, line, order, recorded_sale, refund

USING = exporting.settings()
RULES = USING.shops["main"].orders
amounts = st.decimals(min_value=Decimal("0.01"), max_value=3000, places=2)


@st.composite
def histories(draw: st.DrawFn) -> tuple[SaleBasis, list[RefundIssued]]:
    """A Sale, and refunds on it: of amounts alone, or of pieces and money on lines."""
    grosses = draw(st.lists(amounts, min_size=1, max_size=6))
    rates = draw(st.lists(st.sampled_from([VAT, ZERO_VAT, None]), min_size=len(grosses), max_size=len(grosses)))
    lines = [line(n, str(gross), quantity="3", rate=rates[n - 1]) for n, gross in enumerate(grosses, 1)]
    sold = build_basis(recorded_sale(order(*lines), USING))
    made = []
    for refund_id in range(1, draw(st.integers(1, 6)) + 1):
        at = draw(st.integers(1, len(grosses)))
        amount = draw(st.decimals(min_value=Decimal("0.01"), max_value=sold.total, places=2))
        gross = str(min(amount, grosses[at - 1]))
        part = given_back(at, gross, quantity=str(draw(st.integers(0, 1))))
        on_line = draw(st.booleans())
        made.append(refund(gross, part, refund_id=refund_id) if on_line else refund(str(amount), refund_id=refund_id))
    return sold, made


@settings(max_examples=200, deadline=None)
@given(history=histories())
def test_notes_never_exceed_the_sale_nor_any_of_its_lines(history: tuple[SaleBasis, list[RefundIssued]]) -> None:
    sold, refunds = history
    credited: list[RecordedLine] = []
    given_money = Decimal(0)
    for issued in refunds:
        try:
            note = build_credit_note(issued, sold, compute_remainder(sold, credited), RULES)
        except Unbookable:
            continue
        assert sum((each.amount for each in note.lines), Decimal(0)) == issued.amount
        credited += note.lines
        given_money += issued.amount
    rest = compute_remainder(sold, credited)
    assert rest.total == sold.total - given_money >= 0
    for each in rest.lines.values():
        assert each.amount >= -RULES.rounding_cap
        assert each.vat >= 0
        assert each.quantity >= 0


def test_a_line_is_overdrawn_by_the_cap_at_most_over_all_notes_together() -> None:
    """Given a line of which an amount-only refund took its share, when it is refunded whole and then once more."""
    sold = build_basis(recorded_sale(order(line(1, "276.00", quantity="3"), line(2, "0.18", quantity="3")), USING))
    credited: list[RecordedLine] = []
    refunds = [refund("80.05"), refund("0.18", given_back(2, "0.18")), refund("0.02", given_back(2, "0.02"))]
    for number, issued in enumerate(refunds, 1):
        each = issued.model_copy(update={"refund_id": number})
        credited += build_credit_note(each, sold, compute_remainder(sold, credited), RULES).lines
    rest = compute_remainder(sold, credited)
    assert rest.lines[2].amount == Decimal("-0.05") == -RULES.rounding_cap
    assert rest.total == Decimal("276.18") - Decimal("80.25")


@settings(max_examples=100, deadline=None)
@given(history=histories())
def test_whatever_is_left_can_be_given_back_and_takes_all_vat_with_it(
    history: tuple[SaleBasis, list[RefundIssued]],
) -> None:
    sold, refunds = history
    first = build_credit_note(refund(str(min(refunds[0].amount, sold.total))), sold, compute_remainder(sold, ()), RULES)
    rest = compute_remainder(sold, first.lines)
    if rest.total == 0:
        return
    last = build_credit_note(refund(str(rest.total), refund_id=2), sold, rest, RULES)
    assert first.vat + last.vat == sum(each.recorded.vat for each in sold.lines)
