"""`davtari status`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from services.commands import gates, letters, show
from services.commands.frame import Json, command, settings
from services.commands.screen import as_json, console
from services.commands.shops import identity
from services.commands.status import standings
from services.commands.status.freshness import by_itself, feed_ages, punctuality
from services.commands.status.freshness_lines import lines
from services.shared.messaging.reader import read_events


@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person, how fresh all is."""
    chosen = settings()
    found, lettered = await standings.standings(chosen), await letters.all_letters(chosen.kafka)
    waiting = [letter for letter in lettered.values() if letter.open]
    now = datetime.now(UTC)
    said = [envelope async for envelope in read_events(chosen.kafka, ["operations"])]
    shops, opened = identity.stand(chosen.shops, said), gates.last(said)
    ages, punctual, alone = feed_ages(chosen, now), punctuality(chosen, now), by_itself(chosen, now)
    if json:
        as_json(
            {
                "services": [asdict(one) for one in found],
                "feeds": [asdict(one) for one in ages],
                "paid_orders": [asdict(one) for one in punctual],
                "without_a_person": [asdict(one) for one in alone],
                "shops": {name: identity.as_data(one) for name, one in shops.items()},
                "gates": [one.content() for one in opened],
                "dead_letters_open": len(waiting),
            }
        )
    else:
        show.standings(found, waiting)
        for line in [*identity.lines(shops), *gates.lines(opened), *lines(ages, punctual, alone)]:
            console.print(line, soft_wrap=True)
    return 0
