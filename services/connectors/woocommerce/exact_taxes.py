"""Taxes by rate with all their decimals, whatever the version of the shop answers.

WooCommerce 9.9 answers the tax of a line at one rate as it is stored, 10.5 rounded to the decimals of the rest; asked
with more decimals both answer it as it is stored (WooCommerce fact 71). The split of
a fee over two rates and sums by rate would differ between the two. Amounts come from the plain answer only: those of a
finer one do not add up (rules 2 and 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.connectors.woocommerce import php

DECIMALS = 6
"""What is asked for: WooCommerce stores no more, and answers all amounts with so many then (WooCommerce fact 71)."""
PARTS = ("line_items", "shipping_lines", "fee_lines")
Json = Mapping[str, Any]


class NotTheSame(Exception):
    """The finer answer is not finer, or is about another state of the record."""


def may_be_rounded(record: Json) -> bool:
    """Whether taxes by rate may be rounded: there are some, and none is finer than the tax of its line.

    A plain `0` means no tax; `0.00` may be less than half a tetri.
    """
    taxes = [(_decimals(line.get("total_tax")), total) for line in _lines(record) for total in _totals(line)]
    return any(total or _fineness(total) for _, total in taxes) and all(
        _fineness(total) <= most < DECIMALS for most, total in taxes
    )


def with_exact_taxes(record: dict[str, Any], finer: Json) -> dict[str, Any]:
    """The order or refund with the taxes by rate of its finer answer. Raises `NotTheSame`."""
    exact = {php.whole(line.get("id")): line for line in _lines(finer)}
    return {**record, **{part: [_line(line, exact) for line in php.records(record.get(part))] for part in PARTS}}


def _line(line: Json, exact: Mapping[int | None, Json]) -> dict[str, Any]:
    finer = exact.get(php.whole(line.get("id")), {})
    if _decimals(finer.get("total")) < DECIMALS:
        raise NotTheSame
    totals = {php.whole(tax.get("id")): tax.get("total") for tax in php.records(finer.get("taxes"))}
    return {**line, "taxes": [_tax(tax, totals) for tax in php.records(line.get("taxes"))]}


def _tax(tax: Json, totals: Mapping[int | None, Any]) -> dict[str, Any]:
    rounded, exact = php.number(tax.get("total")), php.number(totals.get(php.whole(tax.get("id"))))
    if rounded is None:
        return dict(tax)
    if exact is None or exact.quantize(rounded, ROUND_HALF_UP) != rounded:
        raise NotTheSame
    return {**tax, "total": str(exact)}


def _lines(record: Json) -> Iterator[Json]:
    for part in PARTS:
        yield from php.records(record.get(part))


def _totals(line: Json) -> list[Decimal]:
    found = (php.number(tax.get("total")) for tax in php.records(line.get("taxes")))
    return [total for total in found if total is not None]


def _decimals(amount: Any) -> int:
    found = php.number(amount)
    return _fineness(found) if found is not None else 0


def _fineness(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
