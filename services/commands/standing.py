"""`davtari status`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from services.commands import letters, show, status
from services.commands.frame import Json, command, settings
from services.commands.freshness import feed_ages, punctuality
from services.commands.freshness_lines import lines
from services.commands.screen import as_json, console
from services.commands.shops import identity


@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person, how fresh all is."""
    chosen = settings()
    found, lettered = await status.standings(chosen), await letters.all_letters(chosen.kafka)
    waiting = [letter for letter in lettered.values() if letter.open]
    now = datetime.now(UTC)
    shops = await identity.identities(chosen)
    ages, punctual = feed_ages(chosen, now), punctuality(chosen, now)
    if json:
        as_json(
            {
                "services": [asdict(one) for one in found],
                "feeds": [asdict(one) for one in ages],
                "paid_orders": [asdict(one) for one in punctual],
                "shops": {name: identity.as_data(one) for name, one in shops.items()},
                "dead_letters_open": len(waiting),
            }
        )
    else:
        show.standings(found, waiting)
        for line in [*identity.lines(shops), *lines(ages, punctual)]:
            console.print(line, soft_wrap=True)
    return 0
