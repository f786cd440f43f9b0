"""How evidence of another shop is weighed: weak evidence alone is not enough if other evidence speaks for the shop."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.identity import ShopIdentified
from services.connectors.identity.evidence import PlacedOrder, ShopObservation, compare_identity
from tests.support.memory_state import NOON

HOME = "shop.ge"
KNOWN = ShopIdentified(
    shop="main", url=HOME, home=HOME, key_mark="k", marker="m", newest_order=9, at=NOON, how="first-contact"
)
WITH_WWW = KNOWN.model_copy(update={"url": "www.shop.ge", "home": "www.shop.ge"})
UNMARKED = KNOWN.model_copy(update={"marker": None})
UNREADABLE = {number: PlacedOrder(order=number) for number in range(9, 3, -1)}
OURS = tuple(PlacedOrder(order=number, created_at=NOON, total=number, token=f"t{number}") for number in range(9, 3, -1))


def observed(**other: Any) -> ShopObservation:
    """An observation of the known shop with all its orders, except for these fields."""
    as_known = {"url": HOME, "home": HOME, "site": HOME, "key_mark": "k", "markers": ("m",), "placed": OURS[:1]}
    return ShopObservation(**{**as_known, "orders": {one.order: one for one in OURS}, **other})


def without(*numbers: int, **others: str) -> dict[str, Any]:
    """The fields without these orders; `n7="x"`: with another order under that number."""
    there = {one.order: one for one in OURS if one.order not in numbers}
    there |= {int(n[1:]): PlacedOrder(order=int(n[1:]), token=token) for n, token in others.items()}
    return {"orders": there, "placed": tuple(sorted(there.values(), key=lambda one: -one.order))[:1]}


CASES: list[tuple[str, ShopIdentified, ShopObservation, bool, int]] = [
    ("all as known", KNOWN, observed(), False, 0),
    ("another key, our mark", KNOWN, observed(key_mark="x"), False, 1),
    ("another key, no mark known, our orders", UNMARKED, observed(key_mark="x", markers=()), False, 1),
    ("another key, unreadable orders", UNMARKED, observed(key_mark="x", markers=(), orders=UNREADABLE), True, 1),
    ("no mark, our key", KNOWN, observed(markers=()), False, 1),
    ("another mark, our key", KNOWN, observed(markers=("x",)), False, 1),
    ("marks that our key may not see", KNOWN, observed(markers=(), hidden=True), False, 0),
    ("another key and no mark", KNOWN, observed(key_mark="x", markers=()), True, 2),
    ("another key and another mark", KNOWN, observed(key_mark="x", markers=("x",)), True, 2),
    ("it lives elsewhere", KNOWN, observed(home="staging.ge", site="staging.ge"), True, 1),
    ("it lives in a folder of our address", KNOWN, observed(home="shop.ge/staging", site="shop.ge/staging"), True, 1),
    ("a language is in its address", KNOWN, observed(home="shop.ge/ka"), False, 0),
    ("the settings name another address", KNOWN, observed(url="shop.com"), True, 1),
    ("it was known with www", WITH_WWW, observed(), False, 0),
    ("the newest order is gone", KNOWN, observed(**without(9)), False, 0),
    ("the two newest orders are gone", KNOWN, observed(**without(9, 8)), False, 0),
    ("the three newest orders are gone", KNOWN, observed(**without(9, 8, 7)), True, 1),
    ("three older orders are gone", KNOWN, observed(**without(6, 5, 4)), False, 0),
    ("all orders are gone", KNOWN, observed(orders={}, placed=()), True, 1),
    ("one number belongs to another order", KNOWN, observed(**without(9, n9="x")), False, 0),
    ("two numbers belong to other orders", KNOWN, observed(**without(9, 8, n9="x", n8="y")), True, 1),
    ("two are gone, one is another", KNOWN, observed(**without(9, 8, 7, n7="x")), True, 2),
    ("older numbers belong to other orders", KNOWN, observed(**without(6, 5, n6="x", n5="y")), False, 0),
    ("three are gone and a later one is there", KNOWN, observed(**without(9, 8, 7, n10="x")), False, 0),
    ("two are others and a later one is there", KNOWN, observed(**without(9, 8, n9="x", n8="y", n10="z")), True, 1),
]  # fmt: skip


@pytest.mark.claim("K31")
@pytest.mark.parametrize(("_", "known", "seen", "blocked", "signs"), CASES, ids=[one[0] for one in CASES])
def test_evidence_is_weighed(_: str, known: ShopIdentified, seen: ShopObservation, blocked: bool, signs: int) -> None:
    verdict = compare_identity(known, seen, OURS)
    assert (verdict.blocked, len(verdict.signs)) == (blocked, signs), verdict


EDITED: list[tuple[str, PlacedOrder, bool]] = [
    ("another date", PlacedOrder(order=9, created_at=None, total=9), False),
    ("another total", PlacedOrder(order=9, created_at=NOON, total=1), False),
    ("nothing readable", PlacedOrder(order=9), False),
    ("both", PlacedOrder(order=9, created_at=NOON.replace(year=2020), total=1), True),
    ("another key of the order", PlacedOrder(order=9, created_at=NOON, total=9, token="x"), True),
]


@pytest.mark.claim("K31")
@pytest.mark.parametrize(("_", "nine", "other"), EDITED, ids=[one[0] for one in EDITED])
def test_an_order_is_recognized_as_another_one(_: str, nine: PlacedOrder, other: bool) -> None:
    """Order 8 itself is certain."""
    there = {9: nine, 8: PlacedOrder(order=8, token="x"), 7: OURS[2]}
    assert compare_identity(KNOWN, observed(orders=there), OURS).blocked is other
