"""How many pieces of an item a shop may sell, and why: every figure has lines that add up to it exactly.

From the pieces that are free, the shop keeps back a buffer, the last units, the other shops' share of the pool and what
is above a cap; the rest is rounded down to steps. A kit is an item of its own, sold as one line. Its own stock is used
first; what orders hold beyond that will be taken from its components (claims S3.18, S3.19, S4.23, S4.24). How the sale
of a kit is booked is up to the accountant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from contracts.catalog import FigureLine, LocationFigure
from services.settings.stock import StockSettings
from services.stock_publisher.claims import Kits
from services.stock_publisher.position import ItemPosition, ShopWarehouse, on_hand_lines, sum_lines

Limit = Callable[[Decimal, StockSettings], FigureLine | None]


def limit_lines(free: Decimal, rules: StockSettings) -> list[FigureLine]:
    """Return the lines that reduce a free quantity to the figure: never below 0, in steps that the shop sells."""
    lines: list[FigureLine] = []
    for limit in LIMITS:
        if (line := limit(free, rules)) is not None:
            lines.append(line)
            free += line.quantity
    return lines


def _buffer(_: Decimal, rules: StockSettings) -> FigureLine | None:
    return FigureLine(label="buffer", quantity=-rules.buffer, source="setting stock.buffer") if rules.buffer else None


def _last_units(free: Decimal, rules: StockSettings) -> FigureLine | None:
    """The last pieces of a pool are reserved for the shop that may sell them (claim I13)."""
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
    return FigureLine(label="floor", quantity=-free, source="stock is never shown below 0")


def _rounding(free: Decimal, rules: StockSettings) -> FigureLine | None:
    """WooCommerce stores whole pieces only (WooCommerce facts 11 and 19), unless a plugin allows fractions."""
    rest = free - round_down(free, rules.step)
    if not rest:
        return None
    source = "WooCommerce sells whole pieces" if rules.step == 1 else f"setting stock.step, {rules.step:f}"
    return FigureLine(label="rounding", quantity=-rest, source=source)


def round_down(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of a step that does not exceed the quantity."""
    return (quantity / step).to_integral_value(ROUND_FLOOR) * step


LIMITS: tuple[Limit, ...] = (_buffer, _last_units, _share, _cap, _floor, _rounding)


ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A stock figure, in steps that the shop sells, and the lines that add up to it."""

    quantity: Decimal
    explanation: tuple[FigureLine, ...]
    locations: tuple[LocationFigure, ...] = ()


def compute_figure(position: ItemPosition, rules: StockSettings, more: Iterable[FigureLine] = ()) -> Figure:
    """Return what is for sale: the position, plus `more` lines (kits), less what the shop keeps back."""
    lines = [*position.lines(rules), *more]
    lines += limit_lines(sum_lines(lines), rules)
    return Figure(sum_lines(lines), tuple(lines))


def withdrawn_line(lines: Sequence[FigureLine]) -> FigureLine:
    """Return the line that subtracts all stock of an item which left Balance's catalogue (claim S2.15)."""
    source = "the item is no longer in Balance's catalogue (setting catalogue.withdrawn)"
    return FigureLine(label="withdrawn", quantity=-max(sum_lines(lines), ZERO), source=source)


def with_locations(
    found: Figure, position: ItemPosition, locations: Mapping[str, Sequence[ShopWarehouse]], rules: StockSettings
) -> Figure:
    """Return the figure with a quantity for each of the shop's locations (claim S0.9).

    It is unknown from which location an order in flight will leave, so no location shows more than the whole figure.
    """
    quantities = {name: min(_at_location(position, stock, rules), found.quantity) for name, stock in locations.items()}
    figures = tuple(LocationFigure(place=name, quantity=quantity) for name, quantity in quantities.items())
    return Figure(found.quantity, found.explanation, figures)


def _at_location(position: ItemPosition, warehouses: Sequence[ShopWarehouse], rules: StockSettings) -> Decimal:
    held = sum_lines(list(on_hand_lines(position.rows, warehouses, rules, position.now)))
    return round_down(max(held, ZERO), rules.step)


Free = Callable[[str], Decimal]
"""Returns the free pieces of an item by its own stock and orders; below 0 if orders hold more than there is."""
Named = Callable[[str], str]
"""Returns the name of an item for people."""


def kit_lines(kits: Kits, item: str, free: Free, named: Named = str) -> Iterator[FigureLine]:
    """Yield the lines that kits add to a figure: what can be assembled from components, and what other kits need."""
    if item in kits:
        yield _from_components(kits, item, free, named)
    if needed := _needed(kits, item, free, besides=item):
        yield FigureLine(label="in kits", quantity=-needed, source="needed for ordered kits without stock of their own")


def _from_components(kits: Kits, kit: str, free: Free, named: Named) -> FigureLine:
    possible = {part: _kits_of(kits, kit, part, free) for part in kits[kit]}
    scarcest = min(possible, key=lambda part: possible[part])
    source = f"assembled; component {named(scarcest)} is the scarcest"
    return FigureLine(label="from components", quantity=possible[scarcest], source=source)


def _kits_of(kits: Kits, kit: str, part: str, free: Free) -> Decimal:
    left = max(free(part) - _needed(kits, part, free, besides=kit), ZERO)
    return (left / kits[kit][part]).to_integral_value(ROUND_FLOOR)


def _needed(kits: Kits, part: str, free: Free, *, besides: str) -> Decimal:
    """The pieces of a component that kits need which were sold beyond their own stock."""
    others = (kit for kit, parts in kits.items() if part in parts and kit != besides)
    return sum((max(-free(kit), ZERO) * kits[kit][part] for kit in others), ZERO)
