"""Is what answers our shop? Signs are weighed: a weak one alone, which the shop's people cause, is not enough (K31)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.identity import ShopIdentified
from services.connectors.identity.orders import Losses, PlacedOrder, losses
from services.connectors.identity.seen import MARK, Seen, without_spelling

WEAK, STRONG = 1, 2
"""A new key or a deleted mark is ordinary; another address, or several lost orders, are not."""
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing in which what answers differs from the shop that is known, for a person."""

    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`signs`: in what the shop differs; `blocked`: whether that is enough to take it for another or an older one."""

    signs: tuple[str, ...] = ()
    blocked: bool = False


def judge(known: ShopIdentified, seen: Seen, orders: Sequence[PlacedOrder] = ()) -> Verdict:
    """Weigh what a shop shows against what it is known by; `orders`: known orders, newest first.

    A weak sign is enough only where neither the key, nor the mark, nor an order says that the shop is ours.
    """
    lost = losses(orders, seen.orders, seen.newest_order)
    signs = [*_address(known, seen), *_access(known, seen), *_orders(lost)]
    weight = sum(sign.weight for sign in signs)
    blocked = weight >= ENOUGH or (weight > 0 and not _confirmed(known, seen, lost))
    return Verdict(tuple(sign.text for sign in signs), blocked)


def _confirmed(known: ShopIdentified, seen: Seen, lost: Losses) -> bool:
    marked = known.marker is not None and known.marker in seen.markers
    return marked or seen.key_mark == known.key_mark or lost.confirmed


def _address(known: ShopIdentified, seen: Seen) -> Iterator[Sign]:
    if seen.url != without_spelling(known.url):
        yield Sign(f"the settings name {seen.url}, they named {known.url}", STRONG)
    if without_spelling(known.home) not in (seen.home, seen.site):
        yield Sign(f"the shop says that it lives at {seen.home}, ours lives at {known.home}", STRONG)


def _access(known: ShopIdentified, seen: Seen) -> Iterator[Sign]:
    if seen.key_mark != known.key_mark:
        yield Sign("the REST key is another one", WEAK)
    if known.marker and not seen.hidden and known.marker not in seen.markers:
        instead = f" but {', '.join(seen.markers)}" if seen.markers else ""
        yield Sign(f"the webhook {MARK}{known.marker} is not there{instead}", WEAK)


def _orders(lost: Losses) -> Iterator[Sign]:
    if not lost.are_evidence:
        return
    if lost.different:
        yield Sign(f"the numbers {_listed(lost.different)} belong to other orders than ours: an older copy?", STRONG)
    if lost.missing:
        yield Sign(f"its newest orders {_listed(lost.missing)} are missing: an older copy?", STRONG)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
