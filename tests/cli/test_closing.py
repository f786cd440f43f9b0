"""The final check of the demonstration reports every difference between shop and books."""

from __future__ import annotations

from typing import Any

import pytest

from services.demo.comparison import BooksComparison, compare_documents

ORDER: dict[str, Any] = {"id": 17, "total": "12.50", "refunds": [{"id": 3, "amount": "2.50"}]}
SALE: dict[str, Any] = {"uid": "s", "PrimaryDocument": "17", "total": "12.50", "revisions": 1}
NOTE: dict[str, Any] = {"uid": "n", "BaseDocument": "s", "total": "2.50", "revisions": 1}


def closed(
    orders: Any = (ORDER,), sales: Any = (SALE,), notes: Any = (NOTE,), dead_letters: int = 0
) -> BooksComparison:
    return compare_documents(list(orders), list(sales), list(notes), dead_letters)


def test_matching_books_are_reported() -> None:
    closing = closed()
    assert closing.matches
    assert closing.verdict == "books match: 1 orders = 1 sales, 1 refunds = 1 credit notes, difference 0.00 GEL"


WRONG = {
    "a Sale is missing": {"sales": []},
    "a Sale too many": {"sales": [SALE, SALE | {"uid": "t", "PrimaryDocument": "18"}]},
    "a Sale by a tetri off": {"sales": [SALE | {"total": "12.51"}]},
    "a credit note is missing": {"notes": []},
    "a credit note twice": {"notes": [NOTE, NOTE]},
    "a Sale written twice": {"sales": [SALE | {"revisions": 2}]},
    "a dead letter open": {"dead_letters": 1},
    "differences that cancel out": {
        "orders": [ORDER, ORDER | {"id": 18, "refunds": []}],
        "sales": [SALE | {"total": "12.40"}, SALE | {"PrimaryDocument": "18", "uid": "t", "total": "12.60"}],
    },
}


@pytest.mark.parametrize("what", WRONG.values(), ids=WRONG)
def test_differences_in_the_books_are_reported(what: dict[str, Any]) -> None:
    closing = closed(**what)
    assert not closing.matches
    assert "DO NOT MATCH" in closing.verdict
