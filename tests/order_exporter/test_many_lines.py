"""Orders of very many lines: comparing them costs as much as they are long, and the largest wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from time import process_time
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.comparison import DocumentIntent, compare_document
from services.accounting.documents.order_edits import describe_edit
from services.accounting.documents.unbookable import Unbookable
from services.connectors.balance.documents import StoredDocument, StoredLine
from services.order_exporter.prepare import check_size
from services.settings.orders import OrderSettings
from tests.support.exporting import RETAIL, line, order, recorded_sale, settings

FEW, MANY = 625, 5_000
"""Eight times as many: what grows with the square would take sixty-four times as long."""
Lines = Callable[[int], OrderChanged]


def _equal(count: int) -> OrderChanged:
    return order(*[line(number + 1, "12.00") for number in range(count)])


def _all_different(count: int) -> OrderChanged:
    return order(*[line(number + 1, f"{number + 12}.00", quantity=str(number % 7 + 1)) for number in range(count)])


def _documents(of: OrderChanged) -> tuple[DocumentIntent, StoredDocument]:
    sale = recorded_sale(of, settings())
    amounts = [each.quantity for each in sale.lines]
    intent = DocumentIntent(RETAIL, None, sale.total, sale.vat, sale.lines, tuple(amounts))
    lines = [
        StoredLine(str(at), str(at), each.item, each.quantity, None, None, each.amount, each.vat, None, None)
        for at, each in enumerate(sale.lines)
    ]
    more: dict[str, Any] = dict.fromkeys(("number", "date", "warehouse", "currency", "base_document", "comments"))
    stored = StoredDocument(
        uid=sale.sale, client=RETAIL, waybill=None, deleted=False, total=sale.total, vat=sale.vat,
        lines=tuple(lines), **more,
    )  # fmt: skip
    return intent, stored


def _shifted(stored: StoredDocument) -> StoredDocument:
    """The last line is stored first."""
    return replace(stored, lines=(stored.lines[-1], *stored.lines[:-1]))


def _with_other_ids(of: OrderChanged) -> OrderChanged:
    """Every line was replaced by an equal one, and they are in the opposite order."""
    lines = tuple(each.model_copy(update={"line_id": each.line_id + 10**6}) for each in reversed(of.lines))
    return of.model_copy(update={"lines": lines})


def _read_back(lines: Lines, count: int) -> Callable[[], object]:
    intent, stored = _documents(lines(count))
    shifted = _shifted(stored)
    return lambda: compare_document(intent, shifted).wrong


def _edited(lines: Lines, count: int) -> Callable[[], object]:
    before = lines(count)
    sale, after = recorded_sale(before, settings()), _with_other_ids(before)
    return lambda: describe_edit(after, sale)


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of the best of three runs, each of which finds no difference."""

    def measured() -> Iterator[float]:
        for _ in range(3):
            begun = process_time()
            assert not work()
            yield process_time() - begun

    return min(measured())


@pytest.mark.parametrize("lines", [_equal, _all_different])
@pytest.mark.parametrize("compared", [_read_back, _edited])
def test_the_time_does_not_grow_with_the_square_of_the_lines(
    compared: Callable[[Lines, int], Callable[[], object]], lines: Lines
) -> None:
    assert _seconds(compared(lines, MANY)) < 24 * _seconds(compared(lines, FEW)) + 0.005


def test_equal_lines_are_matched_one_to_one() -> None:
    intent, stored = _documents(_equal(3))
    missing = replace(stored, lines=stored.lines[:2])
    assert compare_document(intent, missing).wrong == ("2 lines instead of 3", "line 3 is missing")
    assert [each.balance_line_uid for each in compare_document(intent, _shifted(stored)).lines] == ["2", "0", "1"]


def test_an_equal_line_of_another_item_replaces_nothing() -> None:
    before = _equal(2)
    sale, after = recorded_sale(before, settings()), _with_other_ids(before)
    other = {each.line_id: "99999999-0000-4000-8000-000000000001" for each in after.lines}
    assert describe_edit(after, sale, other).endswith("was added")


def test_a_missing_line_is_named_among_equal_ones() -> None:
    before = _equal(3)
    sale = recorded_sale(before, settings())
    after = _with_other_ids(before).model_copy(update={"total": before.total})
    fewer = after.model_copy(update={"lines": (*after.lines[:2], line(900, "12.00", kind="fee"))})
    assert describe_edit(fewer, sale)


def test_an_order_with_more_lines_than_allowed_waits_for_a_person() -> None:
    rules = OrderSettings(max_lines=3)
    check_size(_equal(3), rules)
    with pytest.raises(Unbookable) as refused:
        check_size(_equal(4), rules)
    assert refused.value.reason == Reason.SALE_TOO_MANY_LINES
    assert "shops.main.orders.max-lines allows 3" in refused.value.detail
    assert Decimal(rules.max_lines) < OrderSettings().max_lines == 5000


def test_of_many_differences_the_first_are_named() -> None:
    intent, stored = _documents(_equal(100))
    other = replace(stored, lines=tuple(replace(each, quantity=Decimal(7)) for each in stored.lines))
    wrong = compare_document(intent, other).wrong
    assert (len(wrong), wrong[0], wrong[-1]) == (51, "line 1: quantity 7 instead of 1", "and 50 more")
