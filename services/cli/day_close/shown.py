"""The close of a day on a terminal: both sides with their difference, and every difference with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from rich.markup import escape

from contracts.closing import DayClosed, DayDifference, DayPlaced, DayTotal, DayVat
from services.cli.day_close.shop_now import DRAFTS
from services.cli.screen import build_table, console
from services.engine.runtime.tbilisi import local_time

NAMES = {"order": "orders", "refund": "refunds", "payment": "payments"}
Row = tuple[str, str, str, str]


def show(close: DayClosed, before: DayClosed | None, silent: Sequence[str] = ()) -> None:
    """The tables, the differences, and the verdict.

    `before` is the last close of the same day; `silent` says of each source that did not answer why.
    """
    title = f"{date.fromisoformat(close.date):%d %b %Y} · {close.shop}"
    console.print(build_table((title, "shop", "Balance", "difference"), rows(close), right=(1, 2, 3)))
    if close.placed:
        heads = ("placed on the day", "shop", "total", "topics", "total")
        console.print()
        console.print(build_table(heads, map(_placed, close.placed), right=(1, 2, 3, 4)))
    for one in close.differences:
        console.print(
            f"  {escape(_named(one))}  {_money(one.amount)} {one.currency}: {escape(one.cause)}", soft_wrap=True
        )
        console.print(f"      {escape(_let_stand(one, close))}", style="dim", soft_wrap=True)
    for why in silent:
        console.print(f"[red]{escape(why)}[/]", soft_wrap=True)
    console.print(_verdict(close, silent), soft_wrap=True)
    if before is not None and before.digest != close.digest:
        was = "green" if before.green else "not green"
        told = (
            f"It was closed before ({was}, by {before.closed_by}, {before.digest[:12]}): something has changed since."
        )
        console.print(f"[yellow]{escape(told)}[/]", soft_wrap=True)


def rows(close: DayClosed) -> list[Row]:
    """Orders, refunds, and each VAT rate: with VAT, without it, and the VAT."""
    return [*(_total(one) for one in close.totals), *(row for one in close.vat for row in _rate(one))]


def _total(one: DayTotal) -> Row:
    sign = -1 if one.kind == "refund" else 1
    return _row(f"{NAMES[one.kind]} {one.count}, {one.currency}", sign * one.shop, sign * one.books)


def _rate(one: DayVat) -> Iterator[Row]:
    told = {"none": "untaxed", "?": "rate not stated"}.get(one.rate, f"at {one.rate} %")
    yield _row(f"{told}, with VAT, {one.currency}", one.shop_gross, one.books_gross)
    if one.rate not in ("none", "0"):
        yield _row("   without VAT", one.shop_gross - one.shop_vat, one.books_gross - one.books_vat)
        yield _row("   VAT", one.shop_vat, one.books_vat)


def _let_stand(one: DayDifference, close: DayClosed) -> str:
    """Who lets it stand and why, or how that is said."""
    if one.accepted:
        return f"accepted by {one.accepted.by}, {local_time(one.accepted.at)}: {one.accepted.why}"
    return f'to let it stand: davtari day-close accept {one.name} --shop {close.shop} --date {close.date} --reason "…"'


def _row(name: str, shop: Decimal, books: Decimal) -> Row:
    return (name, _money(shop), _money(books), _money(shop - books))


def _money(amount: Decimal) -> str:
    """Two decimals; what rounds to nothing has no sign."""
    return f"{round(amount, 2) + 0:,.2f}".replace("-", "− ")


def _named(one: DayDifference) -> str:
    if one.payment:
        return f"payment {one.payment} of order {one.number}"
    return f"order {one.number}" if one.refund_id is None else f"refund {one.refund_id} of order {one.number}"


def _placed(one: DayPlaced) -> tuple[str, str, str, str, str]:
    what = " (drafts: no orders yet)" if one.status in DRAFTS else ""
    what = " (parts of other orders, in their Sales)" if one.part_of_parent else what
    name = f"{one.status}, {one.currency}{what}"
    return (name, str(one.shop_count), _money(one.shop), str(one.topics_count), _money(one.topics))


def _verdict(close: DayClosed, silent: Sequence[str]) -> str:
    if silent:
        return "[red]Not green, and not signed:[/] what was not asked is not signed. Run it again."
    how = "the shop asked, every document read back from Balance"
    if not close.read_back:
        how = "the shop asked, documents from the topics; --read-back asks Balance too"
    if close.green:
        accepted = f" {len(close.differences)} accepted." if close.differences else ""
        return f"[green]Green.[/]{accepted} Signed {close.digest[:12]} by {escape(close.closed_by)} ({how})."
    count = sum(one.accepted is None for one in close.differences)
    return f"[red]Not green:[/] {count} difference{'' if count == 1 else 's'}, explained above ({how})."
