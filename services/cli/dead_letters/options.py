"""The options that the commands about dead letters share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli.dead_letter_log import DeadLetter, read_dead_letters
from services.cli.dead_letters.choice import Choice, must_be_known
from services.cli.registry import SERVICES
from services.cli.times import TIME_FORMATS, parse_time
from services.cli.translation import Language as Languages
from services.settings import Settings

Reasons = Annotated[list[str] | None, typer.Option("--reason-code", help="With this reason code; may be repeated.")]
Flow = Annotated[str | None, typer.Option(help="catalogue, prices, stock, orders, refunds, payments, or a service.")]
Shop = Annotated[str | None, typer.Option(help="Only this shop.")]
Order = Annotated[int | None, typer.Option(help="An order's number.")]
Since = Annotated[str | None, typer.Option(help=f"From then on: {TIME_FORMATS}.")]
Until = Annotated[str | None, typer.Option(help="Before then.")]
Personal = Annotated[bool, typer.Option("--personal", help="Show personal data too.")]
Language = Annotated[Languages, typer.Option("--lang", help="The language of all texts.")]
Asks = Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when anything is shown.")]


def choice(
    reasons: list[str] | None,
    flow: str | None,
    shop: str | None,
    order: int | None,
    since: str | None,
    until: str | None,
) -> Choice:
    """What the options mean. Raises `InvalidTime`."""
    now = datetime.now(UTC)
    begin, end = (parse_time(text, now) if text else None for text in (since, until))
    return Choice(tuple(reasons or ()), flow, shop, order, begin, end)


async def chosen(settings: Settings, wanted: Choice) -> list[DeadLetter]:
    """The letters that are meant, open and closed. Raises `WrongUse`."""
    every = list((await read_dead_letters(settings.kafka)).values())
    must_be_known(wanted, SERVICES, settings.shops, every)
    return wanted.of(every)
