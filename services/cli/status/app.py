"""`davtari status`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.alerts import ServiceStateChanged
from contracts.gates import GateChecked
from services.cli import gates, letters, show
from services.cli.frame import Json, command, settings
from services.cli.screen import as_json, console
from services.cli.shops import identity
from services.cli.status import blocked, conditions, standings
from services.cli.status.freshness import ByItself, FeedAge, Punctuality, by_itself, feed_ages, punctuality
from services.cli.status.freshness_lines import lines
from services.connectors.identity.standing import Standing
from services.engine.kafka.reader import read_events
from services.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the command tells: of services, feeds, orders, shops, gates, and of what waits for a person."""

    services: list[standings.Standing]
    blocked: list[blocked.Blocked]
    waiting: list[letters.Letter]
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
        show.standings(self.services, self.waiting, quiet=not shut)
        for line in [
            *blocked.lines(self.blocked),
            *gates.lines(self.opened),
            *lines(self.ages, self.punctual, self.alone),
        ]:
            console.print(line, soft_wrap=True)


@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person, how fresh all is."""
    seen = await _seen(settings(), datetime.now(UTC))
    as_json(seen.data()) if json else seen.show()
    return 0


async def _seen(chosen: Settings, now: datetime) -> Seen:
    lettered = await letters.all_letters(chosen.kafka)
    said = [envelope async for envelope in read_events(chosen.kafka, ["operations"])]
    return Seen(
        services=await standings.standings(chosen),
        blocked=blocked.blocked(chosen),
        waiting=[letter for letter in lettered.values() if letter.open],
        ages=feed_ages(chosen, now),
        punctual=punctuality(chosen, now),
        alone=by_itself(chosen, now),
        shops=identity.stand(chosen.shops, said),
        opened=gates.last(said),
        troubled=conditions.troubled(said),
    )
