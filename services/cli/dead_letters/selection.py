"""Select dead letters by id or by filter; the options that the dead-letters commands share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.reasons import Reason
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.registry import SERVICES
from services.cli.times import TIME_FORMATS, parse_time
from services.settings import Settings
from services.settings.translation import Language as Languages

FLOWS = {
    "catalogue": "catalog-importer",
    "prices": "catalog-importer",
    "stock": "stock-publisher",
    "orders": "order-exporter",
    "refunds": "refund-exporter",
    "payments": "order-exporter",
    "notes": "order-notifier",
    "statuses": "order-notifier",
}
"""The service that carries out each flow."""
Reasons = Annotated[list[str] | None, typer.Option("--reason-code", help="Only this reason code; may be repeated.")]
Flow = Annotated[
    str | None, typer.Option(help="Only this flow (catalogue, prices, stock, orders, refunds, payments) or service.")
]
Shop = Annotated[str | None, typer.Option(help="Only this shop.")]
Order = Annotated[int | None, typer.Option(help="Only this order.")]
Since = Annotated[str | None, typer.Option(help=f"Only from this time on: {TIME_FORMATS}.")]
Until = Annotated[str | None, typer.Option(help="Only before this time; written like --since.")]
Personal = Annotated[bool, typer.Option("--personal", help="Show personal data.")]
Language = Annotated[Languages, typer.Option("--lang", help="The language of the texts.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if any dead letter is listed.")]


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Selects dead letters; an empty field or None selects all. `flow` may be a flow or a service.

    `since` is inclusive, `until` exclusive.
    """

    reasons: tuple[str, ...] = ()
    flow: str | None = None
    shop: str | None = None
    order: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_set(self) -> bool:
        """Whether the filter excludes anything."""
        return self != DeadLetterFilter()

    def select(self, dead_letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """The dead letters that match."""
        return [one for one in dead_letters if self._matches(one)]

    def _matches(self, one: DeadLetter) -> bool:
        service = FLOWS.get(self.flow or "", self.flow)
        conditions = (
            (not self.reasons or one.event.reason in self.reasons, service in (None, one.event.service)),
            (self.shop in (None, one.shop), self.order in (None, one.order)),
            (self.since is None or one.event.at >= self.since, self.until is None or one.event.at < self.until),
        )
        return all(all(pair) for pair in conditions)


def check_filter(
    wanted: DeadLetterFilter, services: Iterable[str], shops: Iterable[str], existing: Iterable[DeadLetter]
) -> None:
    """Raises `InvalidArgument` for an unknown reason code, flow or shop: a typo must not look like an empty list."""
    dead_letters = list(existing)
    _check_names("reason code", wanted.reasons, [*Reason, *(one.event.reason for one in dead_letters)])
    _check_names("flow", (wanted.flow,), [*FLOWS, *services, *(one.event.service for one in dead_letters)])
    _check_names("shop", (wanted.shop,), [*shops, *(one.shop for one in dead_letters if one.shop)])


def _check_names(what: str, names: Iterable[str | None], known: Iterable[str]) -> None:
    listed = sorted(set(known))
    if unknown := [one for one in names if one is not None and one not in listed]:
        raise InvalidArgument(f"Unknown {what} {', '.join(unknown)}. Known: {', '.join(listed)}")


def build_filter(
    reasons: list[str] | None,
    flow: str | None,
    shop: str | None,
    order: int | None,
    since: str | None,
    until: str | None,
) -> DeadLetterFilter:
    """Build a filter from the options. Raises `InvalidTime`."""
    now = datetime.now(UTC)
    begin, end = (parse_time(text, now) if text else None for text in (since, until))
    return DeadLetterFilter(tuple(reasons or ()), flow, shop, order, begin, end)


async def find_dead_letters(settings: Settings, wanted: DeadLetterFilter) -> list[DeadLetter]:
    """All dead letters that match, open and closed. Raises `InvalidArgument`."""
    every = list((await read_dead_letters(settings)).values())
    check_filter(wanted, SERVICES, settings.shops, every)
    return wanted.select(every)


async def select_dead_letters(
    settings: Settings, verb: str, ids: Sequence[str], wanted: DeadLetterFilter, *, every: bool
) -> list[DeadLetter]:
    """The dead letters a command (`verb`) acts on, each once: those with these ids, or the open ones that match.

    One record may have several dead letters, one per service that could not process it. The id of one of them selects
    all that are open. Raises `InvalidArgument`.
    """
    if ids and (every or wanted.is_set):
        raise InvalidArgument("Select dead letters either by id, or with --all, --reason-code, --flow …, not both")
    if ids:
        existing = await read_dead_letters(settings)
        named = [find_dead_letter(existing, id_) for id_ in ids]
        related = (other for one in named for other in find_same_record(one, existing.values()))
        return _drop_duplicates([*named, *related])
    if not (every or wanted.is_set):
        raise InvalidArgument(
            f"Select dead letters: davtari dead-letters {verb} ID, or --reason-code CODE, --order N, --all …"
        )
    return [one for one in await find_dead_letters(settings, wanted) if one.open]


def find_same_record(dead_letter: DeadLetter, existing: Iterable[DeadLetter]) -> list[DeadLetter]:
    """The open dead letters of other services for the same record."""
    position = _record_position(dead_letter)
    return [
        one
        for one in existing
        if one.open and position and _record_position(one) == position and one.id != dead_letter.id
    ]


def _record_position(dead_letter: DeadLetter) -> tuple[str, int, int] | None:
    record = dead_letter.event.record
    return (record.topic, record.partition, record.offset) if record else None


def _drop_duplicates(dead_letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return list({one.event.dead_letter: one for one in dead_letters}.values())
