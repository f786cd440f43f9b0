"""A plan: everything that the importer would do in a shop now, and why it leaves the rest alone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from html import escape
from pathlib import Path

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked, WrittenProduct
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import PlannedChange
from contracts.reason_texts import find_text
from services.cli.screen import build_table, console

TOPICS = ("catalog.plans", "catalog.links", "balance.items")
FIELDS = tuple(name for name in WrittenProduct.model_fields if name != "digest")
NOTHING = WrittenProduct(digest="")


@dataclass(frozen=True, slots=True)
class PlannedProduct:
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
    changes: tuple[PlannedProduct, ...]
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
    def held(self) -> tuple[PlannedProduct, ...]:
        """Those that wait for a person although the flow is live."""
        return tuple(change for change in self.changes if change.said.reason)


def build_plan(shop: str, envelopes: Iterable[Envelope[Event]]) -> Plan:
    """The plan of a shop, from what the topics say last about each item."""
    said, links, names = _latest(shop, envelopes)
    pending = {key: one for key, one in said.items() if _pending(one, links.get(key))}
    changes = [_change(one, links.get(key), names) for key, one in sorted(pending.items()) if one.action != "skip"]
    return Plan(shop, tuple(changes), tuple(one for _, one in sorted(pending.items()) if one.action == "skip"))


PlannedByKey = dict[str, ProductPlanned]
LinksByKey = dict[str, ProductLinked]


def _latest(shop: str, envelopes: Iterable[Envelope[Event]]) -> tuple[PlannedByKey, LinksByKey, dict[str, str]]:
    said: PlannedByKey = {}
    links: LinksByKey = {}
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


def _change(said: ProductPlanned, link: ProductLinked | None, names: dict[str, str]) -> PlannedProduct:
    before = (link.written if link else None) or NOTHING
    return PlannedProduct(said, names.get(said.item, ""), before, said.payload or NOTHING)


def _text(held: WrittenProduct, name: str) -> str:
    found = held.model_dump(mode="json")[name]
    return "" if found is None else ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def split_changes(changes: Sequence[PlannedProduct], size: int = 500) -> Iterator[tuple[PlannedChange, ...]]:
    """The changes in pieces that one event can carry."""
    asked = tuple(PlannedChange(item=change.said.item, digest=change.said.digest) for change in changes)
    return (asked[start : start + size] for start in range(0, len(asked), size))


# A plan on the terminal, as CSV and as a page.

PLAN_HEADINGS = ("action", "SKU", "item", "name", "product", "field", "before", "after", "reason", "detail")
MOST_CHANGES = 20
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c1c1c}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "th{background:#f4f4f4;position:sticky;top:0}"
)


def show_plan(plan: Plan, *, whole: bool = False) -> None:
    """Counts, what is held and why, then the changes."""
    console.print(f"[bold]Plan {plan.id}[/] · catalogue · shop {plan.shop} · nothing has been written")
    counts = [(count, action, _why(plan) if action == "skip" else "") for action, count in plan.counts.items()]
    console.print(build_table(("", "", ""), counts, right=(0,)))
    for change in plan.held:
        console.print(f"  [yellow]held[/] {change.said.sku}  {change.said.detail}", soft_wrap=True)
    if whole:
        _show_changes(plan)
    if plan.changes:
        console.print(f"  Look:  davtari plan show {plan.id} [--html FILE] [--csv FILE]")
        console.print(f"  Do it: davtari apply {plan.id}", soft_wrap=True)


def _why(plan: Plan) -> str:
    return " · ".join(f"{count} {reason}" for reason, count in plan.reasons)


def _show_changes(plan: Plan) -> None:
    for change in plan.changes[:MOST_CHANGES]:
        console.print(f"  {change.said.action:<7}{change.said.sku or '':<16}{change.name}", soft_wrap=True)
        for field, before, after in change.differences:
            console.print(f"         {field}: {before or '–'} → {after or '–'}", soft_wrap=True)
    if (more := len(plan.changes) - MOST_CHANGES) > 0:
        console.print(f"  … and {more} more: --csv FILE or --html FILE has them all")


def plan_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """One row for each field that would change, and one for each item that is left alone."""
    for change in plan.changes:
        for field, before, after in change.differences or (("", "", ""),):
            yield (change.said.action, *_of(change), field, before, after, change.said.reason or "", change.said.detail)
    for said in plan.skipped:
        text = find_text(said.reason or "")
        fix = text.fix if text else ""
        product = str(said.product_id or "")
        yield ("skip", said.sku or "", said.item, "", product, "", "", "", said.reason or "", said.detail or fix)


def _of(change: PlannedProduct) -> tuple[str, ...]:
    return (change.said.sku or "", change.said.item, change.name, str(change.said.product_id or ""))


def write_plan_csv(plan: Plan, file: Path) -> None:
    """The plan as a table for a spreadsheet; a byte order mark makes Excel read Georgian."""
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([PLAN_HEADINGS, *(map(escape_formula, row) for row in plan_rows(plan))])


def escape_formula(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula is text."""
    return f"'{cell}" if cell.startswith(("=", "+", "@", "\t", "\r")) else cell


def write_plan_html(plan: Plan, file: Path) -> None:
    """The plan as one page that needs nothing else."""
    counts = " · ".join(f"{count} {action}" for action, count in plan.counts.items())
    title = f"Plan {plan.id} · shop {escape(plan.shop)}"
    file.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p>{counts}. Nothing has been written.</p><table><thead>{_row(PLAN_HEADINGS, 'th')}</thead>"
        f"<tbody>{''.join(_row(row, 'td') for row in plan_rows(plan))}</tbody></table></html>",
        encoding="utf-8",
    )


def _row(cells: tuple[str, ...], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
