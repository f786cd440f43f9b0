"""`davtari status`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.alerts import ServiceStateChanged
from contracts.gates import GateChecked
from services.cli import dead_letter_log, gates
from services.cli.command import Json, command, read_settings
from services.cli.screen import build_table, console, print_json
from services.cli.shops import identity
from services.cli.status import blocked, conditions, standings
from services.cli.status.freshness import ByItself, FeedAge, Punctuality, by_itself, feed_ages, punctuality
from services.cli.status.freshness_lines import lines
from services.connectors.identity.standing import Standing
from services.engine.client.reader import read_events
from services.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the command tells: of services, feeds, orders, shops, gates, and of what waits for a person."""

    services: list[standings.Standing]
    blocked: list[blocked.Blocked]
    waiting: list[dead_letter_log.DeadLetter]
    ages: list[FeedAge]
    punctual: list[Punctuality]
    alone: list[ByItself]
    shops: dict[str, Standing]
    opened: list[GateChecked]
    troubled: list[ServiceStateChanged]

    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "services": [asdict(one) for one in self.services],
            "blocked": [asdict(one) for one in self.blocked],
            "feeds": [asdict(one) for one in self.ages],
            "paid_orders": [asdict(one) for one in self.punctual],
            "without_a_person": [asdict(one) for one in self.alone],
            "shops": {name: identity.as_data(one) for name, one in self.shops.items()},
            "gates": [one.content() for one in self.opened],
            "troubled": [one.content() for one in self.troubled],
            "dead_letters_open": len(self.waiting),
        }

    def show(self) -> None:
        """Print it."""
        shut = identity.lines(self.shops)
        for line in [*conditions.lines(self.troubled), *shut]:
            console.print(line, soft_wrap=True)
        show_services(self.services, self.waiting, quiet=not shut)
        for line in [
            *blocked.lines(self.blocked),
            *gates.gate_lines(self.opened),
            *lines(self.ages, self.punctual, self.alone),
        ]:
            console.print(line, soft_wrap=True)


@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person, how fresh all is."""
    seen = await _seen(read_settings(), datetime.now(UTC))
    print_json(seen.data()) if json else seen.show()
    return 0


async def _seen(chosen: Settings, now: datetime) -> Seen:
    lettered = await dead_letter_log.read_dead_letters(chosen.kafka)
    said = [envelope async for envelope in read_events(chosen.kafka, ["operations"])]
    return Seen(
        services=await standings.standings(chosen),
        blocked=blocked.blocked(chosen),
        waiting=[letter for letter in lettered.values() if letter.open],
        ages=feed_ages(chosen, now),
        punctual=punctuality(chosen, now),
        alone=by_itself(chosen, now),
        shops=identity.stand(chosen.shops, said),
        opened=gates.latest_gate_checks(said),
        troubled=conditions.troubled(said),
    )


def show_services(
    found: Iterable[standings.Standing], open_letters: Sequence[dead_letter_log.DeadLetter], *, quiet: bool = True
) -> None:
    """How the services stand. `quiet`: nothing else was shown that waits for a person."""
    services = list(found)
    heads = ("service", "to read", "to deliver", "blocked", "oldest", "to publish")
    console.print(build_table(heads, map(_standing, services), right=(1, 2, 3, 4, 5)))
    if elsewhere := [one.service for one in services if one.is_elsewhere]:
        console.print(
            f"unknown: the state of {', '.join(elsewhere)} is on another machine or in another container; "
            "run davtari status there"
        )
    if not open_letters:
        console.print("Nothing waits for a person." if quiet else "No dead letter waits for a person.")
        return
    console.print(f"[yellow]{len(open_letters)} dead letters wait for a person:[/] davtari dead-letters list")


def _standing(one: standings.Standing) -> tuple[object, ...]:
    if one.waiting is None:
        unknown = ("unknown",) * 4 if one.is_elsewhere else ("",) * 4
        return one.service, "not started yet" if one.lag is None else one.lag, *unknown
    pending = sum(waiting.count for waiting in one.waiting if waiting.state == "pending")
    blocked = sum(waiting.count for waiting in one.waiting) - pending
    oldest = min((waiting.oldest for waiting in one.waiting), default=None)
    age = "" if oldest is None else f"{datetime.now(UTC).timestamp() - oldest:.0f} s"
    return one.service, "?" if one.lag is None else one.lag, pending, blocked, age, one.unpublished
