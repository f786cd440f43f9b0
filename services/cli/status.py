"""`davtari status`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.alerts import ServiceStateChanged
from contracts.envelope import Envelope
from contracts.gates import GateChecked
from contracts.model import Event
from services.cli import dead_letter_log, gates, service_status, shop_identity
from services.cli.command import Json, command, read_settings
from services.cli.freshness import (
    FeedAge,
    SaleTimeliness,
    UntouchedOrders,
    freshness_lines,
    read_feed_ages,
    read_sale_timeliness,
    read_untouched_orders,
)
from services.cli.screen import Text, build_table, compose, console, print_json, styled
from services.connectors.identity.status import IdentityStatus
from services.engine.client.reader import read_events
from services.engine.clock import local_time
from services.settings.model import Settings


def troubled_services(envelopes: Iterable[Envelope[Event]]) -> list[ServiceStateChanged]:
    """The last reported problem of each service that still exists."""
    last: dict[tuple[str, str], ServiceStateChanged] = {}
    for envelope in envelopes:
        if isinstance(event := envelope.data, ServiceStateChanged):
            last[event.service, event.reason] = event
    return [last[slot] for slot in sorted(last) if last[slot].condition == "troubled"]


def condition_lines(found: Iterable[ServiceStateChanged]) -> Iterator[Text]:
    """A line for each problem, with colours."""
    for one in found:
        yield compose(styled(one.service, "red"), f" since {local_time(one.at)}: {one.why} ({one.reason})")


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Everything that `davtari status` shows."""

    services: list[service_status.ServiceStatus]
    blocked: list[service_status.BlockedDeliveries]
    waiting: list[dead_letter_log.DeadLetter]
    ages: list[FeedAge]
    punctual: list[SaleTimeliness]
    alone: list[UntouchedOrders]
    shops: dict[str, IdentityStatus]
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
            "shops": {name: shop_identity.identity_to_data(one) for name, one in self.shops.items()},
            "gates": [one.content() for one in self.opened],
            "troubled": [one.content() for one in self.troubled],
            "dead_letters_open": len(self.waiting),
        }

    def show(self) -> None:
        """Print the report."""
        shut = shop_identity.blocked_shop_lines(self.shops)
        for problem in [*condition_lines(self.troubled), *shut]:
            console.print(problem, soft_wrap=True)
        show_services(self.services, self.waiting, quiet=not shut)
        for line in [
            *service_status.blocked_lines(self.blocked),
            *gates.gate_lines(self.opened),
            *freshness_lines(self.ages, self.punctual, self.alone),
        ]:
            console.print(line, soft_wrap=True)


@command
async def status_command(json: Json = False) -> int:
    """Show the backlog of each service, what needs a person, and how fresh the data is."""
    seen = await _collect_report(read_settings(), datetime.now(UTC))
    print_json(seen.data()) if json else seen.show()
    return 0


async def _collect_report(chosen: Settings, now: datetime) -> StatusReport:
    dead_letters = await dead_letter_log.read_dead_letters(chosen)
    envelopes = [envelope async for envelope in read_events(chosen, ["operations"])]
    return StatusReport(
        services=await service_status.read_service_statuses(chosen),
        blocked=service_status.read_blocked(chosen),
        waiting=[one for one in dead_letters.values() if one.open],
        ages=read_feed_ages(chosen, now),
        punctual=read_sale_timeliness(chosen, now),
        alone=read_untouched_orders(chosen, now),
        shops=shop_identity.collect_identities(chosen.shops, envelopes),
        opened=gates.latest_gate_checks(envelopes),
        troubled=troubled_services(envelopes),
    )


def show_services(
    found: Iterable[service_status.ServiceStatus],
    open_dead_letters: Sequence[dead_letter_log.DeadLetter],
    *,
    quiet: bool = True,
) -> None:
    """Print a table of the services. `quiet`: nothing shown before needs a person."""
    services = list(found)
    heads = ("service", "to read", "to deliver", "blocked", "oldest", "to publish")
    console.print(build_table(heads, map(_service_row, services), right=(1, 2, 3, 4, 5)))
    if elsewhere := [one.service for one in services if one.is_elsewhere]:
        console.print(
            f"Unknown: the state of {', '.join(elsewhere)} is on another machine or in another container; "
            "run davtari status there"
        )
    if not open_dead_letters:
        console.print("Nothing needs a person." if quiet else "No dead letter needs a person.")
        return
    console.print(
        compose(styled(f"{len(open_dead_letters)} dead letters need a person:", "yellow"), " davtari dead-letters list")
    )


def _service_row(one: service_status.ServiceStatus) -> tuple[object, ...]:
    if one.waiting is None:
        unknown = ("unknown",) * 4 if one.is_elsewhere else ("",) * 4
        return one.service, "not started yet" if one.lag is None else one.lag, *unknown
    pending = sum(waiting.count for waiting in one.waiting if waiting.state == "pending")
    blocked = sum(waiting.count for waiting in one.waiting) - pending
    oldest = min((waiting.oldest for waiting in one.waiting), default=None)
    age = "" if oldest is None else f"{datetime.now(UTC).timestamp() - oldest:.0f} s"
    return one.service, "?" if one.lag is None else one.lag, pending, blocked, age, one.unpublished
