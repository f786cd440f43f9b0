"""What a shop keeps back of that which is free: buffer, last units, its share of the pool, a cap; then whole steps."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

from contracts.catalog import FigureLine
from services.settings.stock import StockSettings

ZERO = Decimal(0)
Limit = Callable[[Decimal, StockSettings], FigureLine | None]


def limited(free: Decimal, rules: StockSettings) -> list[FigureLine]:
    """The lines that take a free quantity down to the figure: never below 0, in steps that the shop sells."""
    lines: list[FigureLine] = []
    for limit in LIMITS:
        if (line := limit(free, rules)) is not None:
            lines.append(line)
            free += line.quantity
    return lines


def _buffer(_: Decimal, rules: StockSettings) -> FigureLine | None:
    return FigureLine(label="buffer", quantity=-rules.buffer, source="setting stock.buffer") if rules.buffer else None


def _last_units(free: Decimal, rules: StockSettings) -> FigureLine | None:
    """The last pieces of a pool are left to the shop that may sell them (claim I13)."""
    if not ZERO < free <= rules.last_units:
        return None
    return FigureLine(label="last units", quantity=-free, source=f"setting stock.last-units, {rules.last_units:f}")


def _share(free: Decimal, rules: StockSettings) -> FigureLine | None:
    """A shop's part of a pool that several shops sell from (claim K25)."""
    if rules.share == 1 or free <= 0:
        return None
    return FigureLine(label="share", quantity=free * rules.share - free, source=f"setting stock.share, {rules.share:f}")


def _cap(free: Decimal, rules: StockSettings) -> FigureLine | None:
    if rules.cap is None or free <= rules.cap:
        return None
    return FigureLine(label="cap", quantity=rules.cap - free, source="setting stock.cap")


def _floor(free: Decimal, _: StockSettings) -> FigureLine | None:
    if free >= 0:
        return None
    return FigureLine(label="floor", quantity=-free, source="a shop's stock is not shown below 0")


def _rounding(free: Decimal, rules: StockSettings) -> FigureLine | None:
    """WooCommerce takes whole pieces only (API fact: a batch cuts 5.5 to 5 without a word); a plugin may allow more."""
    rest = free - steps(free, rules.step)
    if not rest:
        return None
    said = "WooCommerce sells whole pieces" if rules.step == 1 else f"setting stock.step, {rules.step:f}"
    return FigureLine(label="rounding", quantity=-rest, source=said)


def steps(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of a step that is not more than the quantity."""
    return (quantity / step).to_integral_value(ROUND_FLOOR) * step


LIMITS: tuple[Limit, ...] = (_buffer, _last_units, _share, _cap, _floor, _rounding)
