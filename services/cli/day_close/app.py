"""`davtari day-close`: compare a day of each shop with the books, and sign it; `accept` accepts a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from contracts.closing import DayClosed, DayDifference, DayPlaced, DayTotal, DayVat
from contracts.order_statuses import DRAFT_STATUSES
from services.cli import times
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    Json,
    OneShop,
    Shop,
    command,
    read_settings,
    select_shop,
    select_shops,
)
from services.cli.command import ReasonOption as Reason
from services.cli.day_close.sources import CloseSources, query_sources
from services.cli.requests import command_header, user_name
from services.cli.screen import Text, build_table, compose, console, print_json, styled
from services.console.model.days.close import build_acceptance, close_day
from services.console.model.history import TOPICS, OrderFacts, collect_facts
from services.engine.client.commands import issue
from services.engine.client.reader import read_events
from services.engine.clock import local_date, local_time, utc_now
from services.settings import Settings

KIND_NAMES = {"order": "orders", "refund": "refunds", "payment": "payments"}
Row = tuple[str, str, str, str]


def print_close(close: DayClosed, before: DayClosed | None, silent: Sequence[str] = ()) -> None:
    """Print both sides, the differences with their causes, and the verdict.

    `before`: the previous close of the same day. `silent`: one text per source that did not answer.
    """
    title = f"{date.fromisoformat(close.date):%d %b %Y} · {close.shop}"
    console.print(build_table((title, "shop", "Balance", "difference"), close_rows(close), right=(1, 2, 3)))
    if close.placed:
        heads = ("placed on the day", "shop", "total", "topics", "total")
        console.print()
        console.print(build_table(heads, map(_placed_cells, close.placed), right=(1, 2, 3, 4)))
    for one in close.differences:
        console.print(
            f"  {_describe_difference(one)}  {_format_money(one.amount)} {one.currency}: {one.cause}",
            soft_wrap=True,
        )
        console.print(f"      {_acceptance_line(one, close)}", style="dim", soft_wrap=True)
    for why in silent:
        console.print(styled(why, "red"), soft_wrap=True)
    console.print(_describe_verdict(close, silent), soft_wrap=True)
    if before is not None and before.digest != close.digest:
        was = "green" if before.green else "not green"
        text = f"Changed since the previous close ({was}, by {before.closed_by}, {before.digest[:12]})."
        console.print(styled(text, "yellow"), soft_wrap=True)


def close_rows(close: DayClosed) -> list[Row]:
    """The rows for orders, refunds and payments, and for each VAT rate: with VAT, without VAT, and the VAT."""
    return [*(_total_row(one) for one in close.totals), *(row for one in close.vat for row in _rate_rows(one))]


def _total_row(one: DayTotal) -> Row:
    sign = -1 if one.kind == "refund" else 1
    return _row(f"{KIND_NAMES[one.kind]} {one.count}, {one.currency}", sign * one.shop, sign * one.books)


def _rate_rows(one: DayVat) -> Iterator[Row]:
    name = {"none": "untaxed", "?": "rate unknown"}.get(one.rate, f"at {one.rate} %")
    yield _row(f"{name}, with VAT, {one.currency}", one.shop_gross, one.books_gross)
    if one.rate not in ("none", "0"):
        yield _row("   without VAT", one.shop_gross - one.shop_vat, one.books_gross - one.books_vat)
        yield _row("   VAT", one.shop_vat, one.books_vat)


def _acceptance_line(one: DayDifference, close: DayClosed) -> str:
    """Who accepted the difference and why, or the command that accepts it."""
    if one.accepted:
        return f"accepted by {one.accepted.by}, {local_time(one.accepted.at)}: {one.accepted.why}"
    return f'to accept it: davtari day-close accept {one.name} --shop {close.shop} --date {close.date} --reason "…"'


def _row(name: str, shop: Decimal, books: Decimal) -> Row:
    return (name, _format_money(shop), _format_money(books), _format_money(shop - books))


def _format_money(amount: Decimal) -> str:
    """Two decimals; an amount that rounds to zero has no sign."""
    return f"{round(amount, 2) + 0:,.2f}".replace("-", "− ")


def _describe_difference(one: DayDifference) -> str:
    if one.payment:
        return f"payment {one.payment} of order {one.number}"
    return f"order {one.number}" if one.refund_id is None else f"refund {one.refund_id} of order {one.number}"


def _placed_cells(one: DayPlaced) -> tuple[str, str, str, str, str]:
    what = " (drafts, not placed yet)" if one.status in DRAFT_STATUSES else ""
    what = " (parts of other orders, included in their Sales)" if one.part_of_parent else what
    name = f"{one.status}, {one.currency}{what}"
    return (name, str(one.shop_count), _format_money(one.shop), str(one.topics_count), _format_money(one.topics))


def _describe_verdict(close: DayClosed, silent: Sequence[str]) -> Text:
    if silent:
        return compose(styled("Not green, not signed:", "red"), " a source did not answer. Run the command again.")
    how = "shop queried, every document read back from Balance"
    if not close.read_back:
        how = "shop queried, documents from the topics; --read-back reads them from Balance too"
    if close.green:
        accepted = f" {len(close.differences)} accepted." if close.differences else ""
        return compose(
            styled("Green.", "green"), f"{accepted} Signed {close.digest[:12]} by {close.closed_by} ({how})."
        )
    count = sum(one.accepted is None for one in close.differences)
    return compose(
        styled("Not green:", "red"), f" {count} difference{'' if count == 1 else 's'}, explained above ({how})."
    )


day_close_app = typer.Typer(invoke_without_command=True)
Date = Annotated[str, typer.Option("--date", help="The day in Tbilisi, for example 2026-11-20; yesterday if omitted.")]
ReadBack = Annotated[bool, typer.Option("--read-back", help="Also read every document of the day from Balance.")]


@dataclass(frozen=True, slots=True)
class CloseResult:
    """The close of a day and its sources. It is not signed if a source did not answer."""

    close: DayClosed
    sources: CloseSources

    @property
    def code(self) -> int:
        """The exit code."""
        if self.sources.silent:
            return NO_ANSWER
        return 0 if self.close.green else FAILED

    def to_dict(self) -> dict[str, Any]:
        """The result for `--json`."""
        return self.close.content() | {"not_asked": list(self.sources.silent)}


@day_close_app.callback()
def day_close_command(
    context: typer.Context,
    day: Date = "",
    shop: OneShop = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Compare a day in the shop, the topics and the books. Sign it, or list every difference.

    Exit code 1: there are differences. Exit code 3: the shop, or Balance with --read-back, did not answer; nothing is
    signed.
    """
    if context.invoked_subcommand is None:
        _close_days(day, shop, read, dry_run, json)


@day_close_app.command(name="accept")
@command
async def accept_difference(
    difference: str,
    why: Reason,
    shop: Shop = "",
    day: Date = "",
    read: ReadBack = False,
    dry_run: DryRun = False,
) -> int:
    """Accept a difference by its name in the close (refund:1042:1051), for as long as its amounts do not change."""
    chosen, now = read_settings(), utc_now()
    name, date_ = select_shop(chosen, shop), _parse_date(day, now)
    facts = await _read_facts(chosen)
    result = await _query_and_close(chosen, facts, (name, date_), now, read=read)
    header = command_header()
    accepted = build_acceptance(result.close, difference, why, header["asked_by"], now, header["command_id"])
    facts.accepted[accepted.key] = accepted
    result = CloseResult(_build_close(chosen, facts, (name, date_), result.sources, now), result.sources)
    if not dry_run:
        await issue(chosen, accepted, asked_by=user_name())
        await publish_close(chosen, facts, result)
    print_close(result.close, facts.closes.get(result.close.key, (0, None))[1], result.sources.silent)
    return result.code


async def _read_facts(chosen: Settings) -> OrderFacts:
    return collect_facts([envelope async for envelope in read_events(chosen, TOPICS)])


@command
async def _close_days(day: str, shop: str, read: bool, dry_run: bool, json: bool) -> int:
    chosen, now = read_settings(), utc_now()
    shops, date_ = select_shops(chosen, shop), _parse_date(day, now)
    facts = await _read_facts(chosen)
    results = [await _query_and_close(chosen, facts, (name, date_), now, read=read) for name in shops]
    if not dry_run:
        for result in results:
            await publish_close(chosen, facts, result)
    if json:
        print_json({"days": [result.to_dict() for result in results]})
    else:
        for result in results:
            print_close(result.close, facts.closes.get(result.close.key, (0, None))[1], result.sources.silent)
    return max(result.code for result in results)


async def _query_and_close(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], now: datetime, *, read: bool
) -> CloseResult:
    sources = await query_sources(chosen, facts, day, now, read=read)
    return CloseResult(_build_close(chosen, facts, day, sources, now), sources)


def _build_close(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], sources: CloseSources, now: datetime
) -> DayClosed:
    rules, asked, read = chosen.shops[day[0]], sources.asked, sources.read_back
    return close_day(day, sources.found, rules, user_name(), now, asked=asked, read=read, accepted=facts.accepted)


async def publish_close(chosen: Settings, facts: OrderFacts, result: CloseResult) -> None:
    """Publish a close if every source answered, and if it differs from the previous close of the day."""
    close = result.close
    version, last = facts.closes.get(close.key, (0, None))
    same = last is not None and _content_of(last) == _content_of(close)
    if not result.sources.silent and not same:
        await issue(chosen, close, asked_by=user_name(), version=version + 1)


def _content_of(close: DayClosed) -> tuple[str, bool, bool]:
    return close.digest, close.read_back, close.shop_asked


def _parse_date(text: str, now: datetime) -> str:
    return times.parse_date(text).isoformat() if text else local_date(now - timedelta(days=1))
