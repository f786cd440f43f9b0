"""A plan: all changes that the importer would make in a shop, and why other items are skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked, WrittenProduct
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import PlannedChange
from contracts.reason_texts import find_text
from services.cli.csv_file import write_csv
from services.cli.screen import build_table, compose, console, styled
from services.engine.printable import escape_html

TOPICS = ("catalog.plans", "catalog.links", "balance.items")
FIELDS = tuple(name for name in WrittenProduct.model_fields if name != "digest")
NOTHING = WrittenProduct(digest="")


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    """A planned change of a product; `before` is what was written last."""

    planned: ProductPlanned
    name: str
    before: WrittenProduct
    after: WrittenProduct

    @property
    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """The fields that would change: (field, before, after)."""
        pairs = ((name, _text(self.before, name), _text(self.after, name)) for name in FIELDS)
        return tuple(pair for pair in pairs if pair[1] != pair[2])


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one shop, by item, and the skipped items."""

    shop: str
    changes: tuple[PlannedProduct, ...]
    skipped: tuple[ProductPlanned, ...]

    @property
    def id(self) -> str:
        """A digest of exactly these changes, so that what is applied is what was shown (claim I3)."""
        lines = [f"{self.shop}", *(f"{change.planned.item}={change.planned.digest}" for change in self.changes)]
        return blake2b("\n".join(lines).encode(), digest_size=4).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """The number of each action (claim S1.10)."""
        found = Counter(change.planned.action for change in self.changes)
        return {action: found[action] for action in ("create", "adopt", "update")} | {"skip": len(self.skipped)}

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The reasons of skipped items, the most frequent first."""
        return Counter(planned.reason or "" for planned in self.skipped).most_common()

    @property
    def held(self) -> tuple[PlannedProduct, ...]:
        """Changes that need a person although the flow is live."""
        return tuple(change for change in self.changes if change.planned.reason)


def build_plan(shop: str, envelopes: Iterable[Envelope[Event]]) -> Plan:
    """Build the plan of a shop from the last event of each item."""
    planned, links, names = _latest(shop, envelopes)
    pending = {key: one for key, one in planned.items() if _pending(one, links.get(key))}
    changes = [_change(one, links.get(key), names) for key, one in sorted(pending.items()) if one.action != "skip"]
    return Plan(shop, tuple(changes), tuple(one for _, one in sorted(pending.items()) if one.action == "skip"))


PlannedByKey = dict[str, ProductPlanned]
LinksByKey = dict[str, ProductLinked]


def _latest(shop: str, envelopes: Iterable[Envelope[Event]]) -> tuple[PlannedByKey, LinksByKey, dict[str, str]]:
    planned: PlannedByKey = {}
    links: LinksByKey = {}
    names: dict[str, str] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemChanged():
                names[event.item] = event.name
            case ProductPlanned() if event.shop == shop:
                planned[event.key] = event
            case ProductLinked() if event.shop == shop:
                links[event.key] = event
            case ProductUnlinked() if event.shop == shop:
                links.pop(event.key, None)
    return planned, links, names


def _pending(planned: ProductPlanned, link: ProductLinked | None) -> bool:
    """Whether a planned change was not written afterwards to every product of the item."""
    if link is None or link.written is None or link.written_at is None:
        return True
    is_written = {link.written.digest, *(one.digest for one in link.further)} == {planned.digest}
    return not is_written and link.written_at < planned.planned_at


def _change(planned: ProductPlanned, link: ProductLinked | None, names: dict[str, str]) -> PlannedProduct:
    before = (link.written if link else None) or NOTHING
    return PlannedProduct(planned, names.get(planned.item, ""), before, planned.payload or NOTHING)


def _text(held: WrittenProduct, name: str) -> str:
    found = held.model_dump(mode="json")[name]
    return "" if found is None else ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def split_changes(changes: Sequence[PlannedProduct], size: int = 500) -> Iterator[tuple[PlannedChange, ...]]:
    """Split the changes into parts that fit one event."""
    asked = tuple(PlannedChange(item=change.planned.item, digest=change.planned.digest) for change in changes)
    return (asked[start : start + size] for start in range(0, len(asked), size))


PLAN_HEADINGS = ("action", "SKU", "item", "name", "product", "field", "before", "after", "reason", "detail")
MOST_CHANGES = 20
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c1c1c}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "th{background:#f4f4f4;position:sticky;top:0}"
)


def show_plan(plan: Plan, *, whole: bool = False) -> None:
    """Print the counts, the changes on hold, and (`whole`) all changes."""
    console.print(
        compose(styled(f"Plan {plan.id}", "bold"), f" · catalogue · shop {plan.shop} · nothing has been written")
    )
    counts = [(count, action, _why(plan) if action == "skip" else "") for action, count in plan.counts.items()]
    console.print(build_table(("", "", ""), counts, right=(0,)))
    for change in plan.held:
        console.print(
            compose("  ", styled("on hold", "yellow"), f" {change.planned.sku}  {change.planned.detail}"),
            soft_wrap=True,
        )
    if whole:
        _show_changes(plan)
    if plan.changes:
        console.print(f"  Show:  davtari plan show {plan.id} [--html FILE] [--csv FILE]")
        console.print(f"  Apply: davtari apply {plan.id}", soft_wrap=True)


def _why(plan: Plan) -> str:
    return " · ".join(f"{count} {reason}" for reason, count in plan.reasons)


def _show_changes(plan: Plan) -> None:
    for change in plan.changes[:MOST_CHANGES]:
        console.print(f"  {change.planned.action:<7}{change.planned.sku or '':<16}{change.name}", soft_wrap=True)
        for field, before, after in change.differences:
            console.print(f"         {field}: {before or '–'} → {after or '–'}", soft_wrap=True)
    if (more := len(plan.changes) - MOST_CHANGES) > 0:
        console.print(f"  … and {more} more: use --csv FILE or --html FILE for all")


def plan_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """One row per changed field and per skipped item."""
    for change in plan.changes:
        for field, before, after in change.differences or (("", "", ""),):
            planned = change.planned
            yield (planned.action, *_of(change), field, before, after, planned.reason or "", planned.detail)
    for skipped in plan.skipped:
        text = find_text(skipped.reason or "")
        fix = text.fix if text else ""
        product = str(skipped.product_id or "")
        reason_and_detail = skipped.reason or "", skipped.detail or fix
        yield ("skip", skipped.sku or "", skipped.item, "", product, "", "", "", *reason_and_detail)


def _of(change: PlannedProduct) -> tuple[str, ...]:
    return (change.planned.sku or "", change.planned.item, change.name, str(change.planned.product_id or ""))


def write_plan_csv(plan: Plan, file: Path) -> None:
    """Write the plan as CSV."""
    write_csv(file, PLAN_HEADINGS, plan_rows(plan))


def write_plan_html(plan: Plan, file: Path) -> None:
    """Write the plan as one self-contained page."""
    counts = " · ".join(f"{count} {action}" for action, count in plan.counts.items())
    title = f"Plan {plan.id} · shop {escape_html(plan.shop)}"
    file.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p>{counts}. Nothing has been written.</p><table><thead>{_row(PLAN_HEADINGS, 'th')}</thead>"
        f"<tbody>{''.join(_row(row, 'td') for row in plan_rows(plan))}</tbody></table></html>",
        encoding="utf-8",
    )


def _row(cells: tuple[str, ...], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape_html(cell)}</{tag}>' for cell in cells)}</tr>"
