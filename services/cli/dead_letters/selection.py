"""The options that the commands about dead letters share."""

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
from services.cli.translation import Language as Languages
from services.settings import Settings

# Which dead letters a person means.

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
"""The service that carries each flow out."""


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """What is empty or None leaves nothing out. `flow` may be a flow or a service; `since` is inclusive."""

    reasons: tuple[str, ...] = ()
    flow: str | None = None
    shop: str | None = None
    order: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def chooses(self) -> bool:
        """Whether anything is left out at all."""
        return self != DeadLetterFilter()

    def of(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """The letters that are meant."""
        return [letter for letter in letters if self._means(letter)]

    def _means(self, one: DeadLetter) -> bool:
        service = FLOWS.get(self.flow or "", self.flow)
        wanted = (
            (not self.reasons or one.letter.reason in self.reasons, service in (None, one.letter.service)),
            (self.shop in (None, one.shop), self.order in (None, one.order)),
            (self.since is None or one.letter.at >= self.since, self.until is None or one.letter.at < self.until),
        )
        return all(all(pair) for pair in wanted)


def check_filter(
    choice: DeadLetterFilter, services: Iterable[str], shops: Iterable[str], seen: Iterable[DeadLetter]
) -> None:
    """Raises `WrongUse` for a reason, flow or shop that nothing can ever have: a typo must not look like `nothing`."""
    letters = list(seen)
    _check_names("reason code", choice.reasons, [*Reason, *(one.letter.reason for one in letters)])
    _check_names("flow", (choice.flow,), [*FLOWS, *services, *(one.letter.service for one in letters)])
    _check_names("shop", (choice.shop,), [*shops, *(one.shop for one in letters if one.shop)])


def _check_names(what: str, given: Iterable[str | None], known: Iterable[str]) -> None:
    there = sorted(set(known))
    if wrong := [one for one in given if one is not None and one not in there]:
        raise InvalidArgument(f"Unknown {what} {', '.join(wrong)}. Known: {', '.join(there)}")


Reasons = Annotated[list[str] | None, typer.Option("--reason-code", help="With this reason code; may be repeated.")]
Flow = Annotated[str | None, typer.Option(help="catalogue, prices, stock, orders, refunds, payments, or a service.")]
Shop = Annotated[str | None, typer.Option(help="Only this shop.")]
Order = Annotated[int | None, typer.Option(help="An order's number.")]
Since = Annotated[str | None, typer.Option(help=f"From then on: {TIME_FORMATS}.")]
Until = Annotated[str | None, typer.Option(help="Before then.")]
Personal = Annotated[bool, typer.Option("--personal", help="Show personal data too.")]
Language = Annotated[Languages, typer.Option("--lang", help="The language of all texts.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when anything is shown.")]


def build_filter(
    reasons: list[str] | None,
    flow: str | None,
    shop: str | None,
    order: int | None,
    since: str | None,
    until: str | None,
) -> DeadLetterFilter:
    """What the options mean. Raises `InvalidTime`."""
    now = datetime.now(UTC)
    begin, end = (parse_time(text, now) if text else None for text in (since, until))
    return DeadLetterFilter(tuple(reasons or ()), flow, shop, order, begin, end)


async def find_dead_letters(settings: Settings, wanted: DeadLetterFilter) -> list[DeadLetter]:
    """The letters that are meant, open and closed. Raises `WrongUse`."""
    every = list((await read_dead_letters(settings.kafka)).values())
    check_filter(wanted, SERVICES, settings.shops, every)
    return wanted.of(every)


# Which dead letters a command acts on: those that are named by id, or the open ones that the filters choose.


async def select_dead_letters(
    settings: Settings, verb: str, ids: Sequence[str], wanted: DeadLetterFilter, *, every: bool
) -> list[DeadLetter]:
    """The letters that a command (`verb`) acts on, each once; a dry run shows the same. Raises `WrongUse`.

    One record may have made several letters, one for each service that could not handle it: naming one of them means
    all that are open.
    """
    if ids and (every or wanted.chooses):
        raise InvalidArgument("name dead letters by id, or choose them with --all, --reason-code, --flow …: not both")
    if ids:
        there = await read_dead_letters(settings.kafka)
        named = [find_dead_letter(there, id_) for id_ in ids]
        return _drop_duplicates([*named, *(other for one in named for other in find_same_record(one, there.values()))])
    if not (every or wanted.chooses):
        raise InvalidArgument(f"which ones? davtari dead-letters {verb} ID, or --reason-code CODE, --order N, --all …")
    return [one for one in await find_dead_letters(settings, wanted) if one.open]


def find_same_record(letter: DeadLetter, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """The open letters of other services about the record of this one."""
    place = _record_position(letter)
    return [one for one in letters if one.open and place and _record_position(one) == place and one.id != letter.id]


def _record_position(letter: DeadLetter) -> tuple[str, int, int] | None:
    record = letter.letter.record
    return (record.topic, record.partition, record.offset) if record else None


def _drop_duplicates(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return list({one.letter.dead_letter: one for one in letters}.values())
