"""A plan on the terminal, as CSV and as a page."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from html import escape
from pathlib import Path

from contracts.reason_texts import known
from services.cli.plans.plan import Change, Plan
from services.cli.screen import build_table, console

HEADS = ("action", "SKU", "item", "name", "product", "field", "before", "after", "reason", "detail")
AT_MOST = 20
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c1c1c}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "th{background:#f4f4f4;position:sticky;top:0}"
)


def show(plan: Plan, *, whole: bool = False) -> None:
    """Counts, what is held and why, then the changes."""
    console.print(f"[bold]Plan {plan.id}[/] · catalogue · shop {plan.shop} · nothing has been written")
    rows = [(count, action, _why(plan) if action == "skip" else "") for action, count in plan.counts.items()]
    console.print(build_table(("", "", ""), rows, right=(0,)))
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
    for change in plan.changes[:AT_MOST]:
        console.print(f"  {change.said.action:<7}{change.said.sku or '':<16}{change.name}", soft_wrap=True)
        for field, before, after in change.differences:
            console.print(f"         {field}: {before or '–'} → {after or '–'}", soft_wrap=True)
    if (more := len(plan.changes) - AT_MOST) > 0:
        console.print(f"  … and {more} more: --csv FILE or --html FILE has them all")


def rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    """One row for each field that would change, and one for each item that is left alone."""
    for change in plan.changes:
        for field, before, after in change.differences or (("", "", ""),):
            yield (change.said.action, *_of(change), field, before, after, change.said.reason or "", change.said.detail)
    for said in plan.skipped:
        reason = known(said.reason or "")
        fix = reason.en.fix if reason else ""
        product = str(said.product_id or "")
        yield ("skip", said.sku or "", said.item, "", product, "", "", "", said.reason or "", said.detail or fix)


def _of(change: Change) -> tuple[str, ...]:
    return (change.said.sku or "", change.said.item, change.name, str(change.said.product_id or ""))


def write_csv(plan: Plan, file: Path) -> None:
    """The plan as a table for a spreadsheet; a byte order mark makes Excel read Georgian."""
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([HEADS, *(map(safe, row) for row in rows(plan))])


def safe(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula is text."""
    return f"'{cell}" if cell.startswith(("=", "+", "@", "\t", "\r")) else cell


def write_html(plan: Plan, file: Path) -> None:
    """The plan as one page that needs nothing else."""
    counts = " · ".join(f"{count} {action}" for action, count in plan.counts.items())
    title = f"Plan {plan.id} · shop {escape(plan.shop)}"
    file.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p>{counts}. Nothing has been written.</p><table><thead>{_row(HEADS, 'th')}</thead>"
        f"<tbody>{''.join(_row(row, 'td') for row in rows(plan))}</tbody></table></html>",
        encoding="utf-8",
    )


def _row(cells: tuple[str, ...], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
