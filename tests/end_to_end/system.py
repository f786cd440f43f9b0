"""The system under test: two sandboxes, real Kafka, services as processes, and a subscriber to all topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from contracts.operations import CommandSettled, ImportRequested
from services.cli.registry import SERVICES
from services.cli.requests import command_header, request
from services.cli.service_status import read_service_statuses
from services.demo.demo_run import EventLog, follow_events
from services.demo.environment import ALL_LIVE, SOLD, SandboxEnvironment, start_environment
from services.engine.kafka.topics import create_topics
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, requested_goods
from services.settings.model import Settings
from tests.end_to_end import consistency, outboxes, sandbox_requests
from tests.end_to_end.order_supply import OrderSupply
from tests.end_to_end.programs import CommandResult, Programs, run_davtari
from tests.end_to_end.waiting import TIMEOUT, wait_until, wait_until_empty

ALL_SERVICES = tuple(SERVICES)
EVERY_MINUTE = "* * * * *"
YEARLY = "0 0 1 1 *"
NO_SCHEDULED_IMPORTS = {"schedule": {"sweep": 1.0, "items": YEARLY, "prices": YEARLY, "stock": YEARLY}}
"""Balance is read at first contact and on command only, so that no import happens unexpectedly during a test."""


def find_expected_skus() -> frozenset[str]:
    """The SKUs that Balance's sandbox catalogue must bring into the shop, computed from the catalogue alone."""
    goods = [good for good in requested_goods(STANDARD_CATALOGUE) if good.article]
    shared = Counter(good.article for good in goods)
    return frozenset(g.article for g in goods if g.group in SOLD and not g.service and shared[g.article] == 1)


@dataclass(slots=True)
class SystemUnderTest:
    """Everything that a test starts and reads. `ledger` holds the events of the topics so far.

    `expected` are the SKUs that must be linked, `duplicates` the number of duplicate SKUs in the shop before the start.
    `pushed` are unpaid orders exported by command, `given_up` those whose Sale was discarded.
    """

    world: SandboxEnvironment
    settings: Settings
    ledger: EventLog
    programs: Programs
    duplicates: int
    pushed: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    supply: OrderSupply = field(default_factory=OrderSupply)
    expected: frozenset[str] = field(default_factory=find_expected_skus)

    async def place(self, *order_ids: int, **how: Any) -> None:
        """Place recorded orders in the shop."""
        for order_id in order_ids:
            body = {"recorded": order_id, **how}
            (await self.world.shop.post("/_sandbox/orders", json=body)).raise_for_status()

    async def refund(self, order_id: int, *refund_ids: int) -> None:
        """Create recorded refunds in the shop."""
        for refund_id in refund_ids:
            path = f"/_sandbox/orders/{order_id}/refunds"
            (await self.world.shop.post(path, json={"recorded": refund_id})).raise_for_status()

    async def change(self, path: str, **body: Any) -> None:
        """Change something in Balance as a person would (see `services/sandbox/balance/control.py`)."""
        (await self.world.balance.put(f"/_sandbox/{path}", json=body)).raise_for_status()

    async def import_now(self, resource: str, **how: Any) -> CommandSettled:
        """Import a resource from Balance now; returns the command's result."""
        command = ImportRequested.model_validate({"resource": resource, **how, **command_header()})
        return await request(self.settings, command, TIMEOUT)

    async def run_davtari(self, *arguments: str, settings: str = "davtari.toml") -> CommandResult:
        """Run a `davtari` command with the settings of the system or with another file in the same folder."""
        return await run_davtari("--settings", settings, *arguments, folder=self.world.folder)

    async def wait_until(self, condition: Callable[[], object], what: str, timeout: float = TIMEOUT) -> None:
        """Wait until a condition on the ledger holds; `what` describes it in the error."""
        await self.ledger.until(lambda: bool(condition()), what, timeout)

    async def wait_until_consistent(self, timeout: float = TIMEOUT) -> None:
        """Wait until the consistency checks find no problem. Raises `ConditionTimeoutError` with the problems."""
        await wait_until_empty(self.find_problems, "the consistency check", timeout)

    async def find_problems(self) -> list[str]:
        """Every inconsistency now between the shop, the books, the topics and the state databases."""
        storefront, books = await self.world.storefront(), await self.world.books()
        orders = [order for order in storefront["orders"] if order["id"] not in self.given_up]
        sales, notes = books["sales"], books["credit_notes"]
        rows = self.list_waiting_deliveries()
        dead_letters = [dead_letter.about for dead_letter in self.ledger.open_dead_letters.values()]
        checks = (
            consistency.check_sales(orders, sales, self.pushed),
            consistency.check_credit_notes(orders, sales, notes),
            consistency.check_written_once([*sales, *notes]),
            consistency.check_clients(books["clients"]),
            consistency.check_products(storefront, self.ledger.links, self.expected),
            consistency.check_stock(storefront, self.ledger.figures),
            consistency.check_versions(self.ledger.story),
            consistency.check_complete(self.ledger.story, dead_letters, [row.id for row in rows], self.given_up),
            (
                f"{consistency.count_duplicate_skus(storefront)} SKUs are duplicates in the shop"
                for _ in range(self._has_new_duplicates(storefront))
            ),
            (f"{row.service}: {row.id} is still waiting ({row.state})" for row in rows),
            (
                f"dead letter: {dead_letter.reason}: {dead_letter.detail}"
                for dead_letter in self.ledger.open_dead_letters.values()
            ),
        )
        return [complaint for check in checks for complaint in check]

    def _has_new_duplicates(self, storefront: Mapping[str, Any]) -> bool:
        return consistency.count_duplicate_skus(storefront) != self.duplicates

    async def wait_until_idle(self) -> None:
        """Import everything from Balance, then wait until nothing is left to read or to deliver."""
        for resource in ("items", "prices", "stock"):
            await self.import_now(resource)

        async def is_idle() -> bool:
            found = await read_service_statuses(self.settings)
            return not any(one.lag or one.waiting or one.unpublished for one in found)

        await wait_until(is_idle, "all services are idle")

    async def writes(self) -> dict[str, Counter[str]]:
        """How often each resource of each sandbox was written to so far."""
        return {
            "shop": await sandbox_requests.count_writes(self.world.shop),
            "balance": await sandbox_requests.count_writes(self.world.balance),
        }

    def list_waiting_deliveries(self) -> list[outboxes.WaitingDelivery]:
        """The deliveries that are waiting now."""
        return outboxes.list_waiting_deliveries(self.settings.state.directory)

    async def stock_in_balance(self) -> dict[str, dict[str, dict[str, str]]]:
        """`{item uid: {warehouse name: {"quantity": "5", "reserve": "1"}}}`."""
        answer = await self.world.balance.get("/_sandbox/state", params={"parts": "stock"})
        found: dict[str, dict[str, dict[str, str]]] = answer.raise_for_status().json()["stock"]
        return found


@asynccontextmanager
async def start_system(
    folder: Path, kafka: str, *, flows: Mapping[str, str] = ALL_LIVE, **changes: Mapping[str, Any]
) -> AsyncIterator[SystemUnderTest]:
    """An environment with topics, settings and a subscriber; the test starts the programs, the context ends them."""
    async with start_environment(folder, kafka, f"t{uuid4().hex[:12]}.") as made:
        settings = made.write_settings(flows, **(NO_SCHEDULED_IMPORTS | changes))
        await create_topics(settings.kafka)
        programs = Programs(made.settings_file)
        async with follow_events(settings.kafka) as ledger:
            try:
                yield SystemUnderTest(
                    made, settings, ledger, programs, consistency.count_duplicate_skus(await made.storefront())
                )
            finally:
                await programs.close()
