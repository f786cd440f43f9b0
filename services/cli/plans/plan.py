"""A plan: everything that the importer would do in a shop now, and why it leaves the rest alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked, WrittenProduct
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import PlannedChange

TOPICS = ("catalog.plans", "catalog.links", "balance.items")
FIELDS = tuple(name for name in WrittenProduct.model_fields if name != "digest")
NOTHING = WrittenProduct(digest="")


@dataclass(frozen=True, slots=True)
class Change:
    """What would be written to the product of an item; `before` is what was written there last."""

    said: ProductPlanned
    name: str
    before: WrittenProduct
    after: WrittenProduct

    @property
    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """(field, before, after) of every field that would be another."""
        pairs = ((name, _text(self.before, name), _text(self.after, name)) for name in FIELDS)
        return tuple(pair for pair in pairs if pair[1] != pair[2])


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one shop, by item, and the items that are left alone."""

    shop: str
    changes: tuple[Change, ...]
    skipped: tuple[ProductPlanned, ...]

    @property
    def id(self) -> str:
        """Stands for exactly these changes: what is applied under it is what was looked at (claim I3)."""
        told = [f"{self.shop}", *(f"{change.said.item}={change.said.digest}" for change in self.changes)]
        return blake2b("\n".join(told).encode(), digest_size=4).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each action (claim S1.10)."""
        found = Counter(change.said.action for change in self.changes)
        return {action: found[action] for action in ("create", "adopt", "update")} | {"skip": len(self.skipped)}

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why items are left alone, the most frequent reason first."""
        return Counter(said.reason or "" for said in self.skipped).most_common()

    @property
    def held(self) -> tuple[Change, ...]:
        """Those that wait for a person although the flow is live."""
        return tuple(change for change in self.changes if change.said.reason)


def plan(shop: str, envelopes: Iterable[Envelope[Event]]) -> Plan:
    """The plan of a shop, from what the topics say last about each item."""
    said, links, names = _latest(shop, envelopes)
    pending = {key: one for key, one in said.items() if _pending(one, links.get(key))}
    changes = [_change(one, links.get(key), names) for key, one in sorted(pending.items()) if one.action != "skip"]
    return Plan(shop, tuple(changes), tuple(one for _, one in sorted(pending.items()) if one.action == "skip"))


Said = dict[str, ProductPlanned]
Links = dict[str, ProductLinked]


def _latest(shop: str, envelopes: Iterable[Envelope[Event]]) -> tuple[Said, Links, dict[str, str]]:
    said: Said = {}
    links: Links = {}
    names: dict[str, str] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemChanged():
                names[event.item] = event.name
            case ProductPlanned() if event.shop == shop:
                said[event.key] = event
            case ProductLinked() if event.shop == shop:
                links[event.key] = event
            case ProductUnlinked() if event.shop == shop:
                links.pop(event.key, None)
    return said, links, names


def _pending(said: ProductPlanned, link: ProductLinked | None) -> bool:
    """Not so what was written since it was said, to every product that is the item."""
    if link is None or link.written is None or link.written_at is None:
        return True
    is_written = {link.written.digest, *(one.digest for one in link.further)} == {said.digest}
    return not is_written and link.written_at < said.planned_at


def _change(said: ProductPlanned, link: ProductLinked | None, names: dict[str, str]) -> Change:
    before = (link.written if link else None) or NOTHING
    return Change(said, names.get(said.item, ""), before, said.payload or NOTHING)


def _text(held: WrittenProduct, name: str) -> str:
    found = held.model_dump(mode="json")[name]
    return "" if found is None else ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def chunks(changes: Sequence[Change], size: int = 500) -> Iterator[tuple[PlannedChange, ...]]:
    """The changes in pieces that one event can carry."""
    asked = tuple(PlannedChange(item=change.said.item, digest=change.said.digest) for change in changes)
    return (asked[start : start + size] for start in range(0, len(asked), size))
