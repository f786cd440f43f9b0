"""`davtari backfill orders`: have what the shop holds of some days, and the books do not, read and exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from services.cli import times
from services.cli.backfill.missing import Plan, Step, plan_of
from services.cli.backfill.running import Outcome, carry_out
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    InvalidArgument,
    Json,
    OneShop,
    Patience,
    command,
    read_settings,
    select_shops,
)
from services.cli.day_close.days import Days
from services.cli.day_close.facts import TOPICS, Facts, gathered
from services.cli.day_close.shop_now import Asking
from services.cli.orders.waiting import waits_of
from services.cli.screen import console, print_json
from services.connectors.identity.standing import told
from services.connectors.upstreams import open_shop
from services.engine.kafka.reader import read_events
from services.engine.runtime.clock import utc_now
from services.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Find what is missing in the books, and have it exported.")
First = Annotated[str, typer.Option("--from", help="The first day in Tbilisi, as 2026-11-20.")]
Last = Annotated[str, typer.Option("--to", help="The last day.")]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was planned for a shop, and what came of each step that was sent."""

    plan: Plan
    outcomes: Sequence[Outcome] = ()

    @property
    def code(self) -> int:
        """The exit code: 3 where a service did not answer at all, 1 where a person has to look."""
        if any(not outcome.told for outcome in self.outcomes):
            return NO_ANSWER
        stopped = any(step.stopped for step in self.plan.steps) or any(outcome.failed for outcome in self.outcomes)
        return FAILED if stopped else 0


@app.command(name="orders")
@command
async def orders_command(
    first: First,
    last: Last,
    shop: OneShop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Have every order and refund of these days that the topics or the books lack read and exported.

    Safe to repeat: what is in the books is left alone. A held order stays held. --dry-run shows the steps of a run.
    """
    chosen, days = read_settings(), _days(first, last)
    facts = gathered([envelope async for envelope in read_events(chosen.kafka, TOPICS)])
    plans = [await _plan(chosen, name, days, facts, utc_now()) for name in select_shops(chosen, shop)]
    filled = [Filled(plan, () if dry_run else await _carried_out(chosen, plan, patience)) for plan in plans]
    if json:
        print_json({"shops": [_data(one) for one in filled]})
    else:
        for one in filled:
            _show(one, dry_run=dry_run)
    return max(one.code for one in filled)


def _days(first: str, last: str) -> Days:
    days = Days(times.parse_date(first), times.parse_date(last))
    if days.first > days.last:
        raise InvalidArgument(f"--from {first} is later than --to {last}")
    return days


async def _plan(chosen: Settings, shop: str, days: Days, facts: Facts, now: datetime) -> Plan:
    """Raises `UpstreamError` when the shop does not answer, `WrongUse` when it is not the shop that is known."""
    if strange := facts.strange.get(shop):
        raise InvalidArgument(told(strange))
    rules = chosen.shops[shop]
    async with open_shop(chosen, shop, utc_now) as client:
        said = await Asking(shop, client, facts.of_shop(shop), days, rules.orders).ask()
    return plan_of(shop, said, facts, rules, now, waits_of(chosen))


async def _carried_out(chosen: Settings, plan: Plan, patience: float) -> Sequence[Outcome]:
    return await carry_out(chosen, plan.sent, patience) if plan.sent else ()


def _show(one: Filled, *, dry_run: bool) -> None:
    plan, waiting = one.plan, [step for step in one.plan.steps if step.action == "none"]
    console.print(
        f"{plan.shop}: {plan.booked} orders in the books · {plan.not_due} need no document now · "
        f"{len(plan.sent)} to read or export · {len(waiting)} wait",
        soft_wrap=True,
    )
    for step, outcome in _pairs(one):
        console.print(f"  {escape(step.name)}: {ACTIONS[step.action]}{escape(step.why)}", soft_wrap=True)
        if outcome is not None:
            console.print(f"      {escape(outcome.text)}", style="red" if outcome.failed else "dim", soft_wrap=True)
    if dry_run and plan.sent:
        console.print("Dry run: nothing was sent.")


ACTIONS = {"read": "read it again, since ", "push": "export it: ", "none": ""}


def _pairs(one: Filled) -> list[tuple[Step, Outcome | None]]:
    outcomes = dict(zip(one.plan.sent, one.outcomes, strict=True)) if one.outcomes else {}
    return [(step, outcomes.get(step)) for step in one.plan.steps]


def _data(one: Filled) -> dict[str, Any]:
    steps = [
        {
            "order_id": step.order_id,
            "refund_id": step.refund_id,
            "number": step.number,
            "action": step.action,
            "why": step.why,
            "outcome": outcome.text if outcome else None,
        }
        for step, outcome in _pairs(one)
    ]
    return {"shop": one.plan.shop, "booked": one.plan.booked, "not_due": one.plan.not_due, "steps": steps}
