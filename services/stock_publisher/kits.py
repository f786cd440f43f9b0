"""Kits: what can be put together of components, and what kits that are sold already need of them.

A kit is an item of its own, sold as one line; how its sale is booked stays with the accountant. Its own stock goes
first; what orders hold beyond that will be taken from the components (claims S3.18, S3.19, S4.23, S4.24).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal

from contracts.catalog import FigureLine

ZERO = Decimal(0)
Kits = Mapping[str, Mapping[str, Decimal]]
Free = Callable[[str], Decimal]
"""What is free of an item by its own stock and orders; below 0 when orders hold more than there is."""
Named = Callable[[str], str]
"""What people call an item."""


def family(kits: Kits, item: str) -> frozenset[str]:
    """All items whose figures may change with this one's: the index that claim S3.20 lacks."""
    found, new = {item}, {item}
    while new:
        groups = [{kit, *parts} for kit, parts in kits.items()]
        new = {each for group in groups if group & found for each in group} - found
        found |= new
    return frozenset(found)


def kit_lines(kits: Kits, item: str, free: Free, named: Named = str) -> Iterator[FigureLine]:
    """The lines that kits add to an item's figure: what it is put together from, and what other kits need of it."""
    if item in kits:
        yield _from_components(kits, item, free, named)
    if needed := _needed(kits, item, free, besides=item):
        yield FigureLine(label="in kits", quantity=-needed, source="kits that orders hold beyond their own stock")


def _from_components(kits: Kits, kit: str, free: Free, named: Named) -> FigureLine:
    possible = {part: _kits_of(kits, kit, part, free) for part in kits[kit]}
    scarcest = min(possible, key=lambda part: possible[part])
    source = f"put together; component {named(scarcest)} is the scarcest"
    return FigureLine(label="from components", quantity=possible[scarcest], source=source)


def _kits_of(kits: Kits, kit: str, part: str, free: Free) -> Decimal:
    left = max(free(part) - _needed(kits, part, free, besides=kit), ZERO)
    return (left / kits[kit][part]).to_integral_value(ROUND_FLOOR)


def _needed(kits: Kits, part: str, free: Free, *, besides: str) -> Decimal:
    """The pieces that kits sold beyond their own stock will take of a component."""
    others = (kit for kit, parts in kits.items() if part in parts and kit != besides)
    return sum((max(-free(kit), ZERO) * kits[kit][part] for kit in others), ZERO)
