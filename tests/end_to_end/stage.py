"""The stage of an end-to-end test: two sandboxes, real Kafka, services as processes, a subscriber that follows all."""

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
from tests.end_to_end import closing, journal, outboxes
from tests.end_to_end.order_supply import OrderSupply
from tests.end_to_end.programs import Programs, Said, davtari
from tests.end_to_end.waiting import PATIENCE, until, until_empty

ALL = tuple(SERVICES)
EVERY_MINUTE = "* * * * *"
YEARLY = "0 0 1 1 *"
QUIET = {"schedule": {"sweep": 1.0, "items": YEARLY, "prices": YEARLY, "stock": YEARLY}}
"""Balance is read at first contact and on command only, so that nothing happens behind a test's back."""


def sellable() -> frozenset[str]:
    """The SKUs that the catalogue of the sandbox Balance must bring into the shop, worked out from its making alone."""
    goods = [good for good in requested_goods(STANDARD_CATALOGUE) if good.article]
    shared = Counter(good.article for good in goods)
    return frozenset(g.article for g in goods if g.group in SOLD and not g.service and shared[g.article] == 1)


@dataclass(slots=True)
class Stage:
    """Where a test plays. `ledger` holds what the topics have said.

    `expected` are the SKUs that must be linked, `doubles` the SKUs that the shop had twice before Davtari came.
    `pushed` are unpaid orders that a person had exported, `given_up` those whose Sale a person has discarded.
    """

    world: SandboxEnvironment
    settings: Settings
    ledger: EventLog
    programs: Programs
    doubles: int
    pushed: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    supply: OrderSupply = field(default_factory=OrderSupply)
    expected: frozenset[str] = field(default_factory=sellable)

    async def place(self, *order_ids: int, **how: Any) -> None:
        """Have the shop take recorded orders."""
        for order_id in order_ids:
            body = {"recorded": order_id, **how}
            (await self.world.shop.post("/_sandbox/orders", json=body)).raise_for_status()

    async def refund(self, order_id: int, *refund_ids: int) -> None:
        """Have the shop give recorded refunds."""
        for refund_id in refund_ids:
            path = f"/_sandbox/orders/{order_id}/refunds"
            (await self.world.shop.post(path, json={"recorded": refund_id})).raise_for_status()

    async def change(self, path: str, **body: Any) -> None:
        """Have a person change something in Balance (see `services/sandbox/balance/control.py`)."""
        (await self.world.balance.put(f"/_sandbox/{path}", json=body)).raise_for_status()

    async def imported(self, resource: str, **how: Any) -> CommandSettled:
        """Have Balance read now; gives the answer."""
        asked = ImportRequested.model_validate({"resource": resource, **how, **command_header()})
        return await request(self.settings, asked, PATIENCE)

    async def davtari(self, *arguments: str, settings: str = "davtari.toml") -> Said:
        """Run a `davtari` command with the stage's settings, or with other ones in the same folder."""
        return await davtari("--settings", settings, *arguments, folder=self.world.folder)

    async def until(self, so: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Wait until something is so by what the topics have said."""
        await self.ledger.until(lambda: bool(so()), what, patience)

    async def closes(self, patience: float = PATIENCE) -> None:
        """Wait until the closing check finds nothing wrong. Raises `NeverHappened` with what is wrong."""
        await until_empty(self.complaints, "the closing check", patience)

    async def complaints(self) -> list[str]:
        """All that is wrong now, between the shop, the books, the topics and the state databases."""
        storefront, books = await self.world.storefront(), await self.world.books()
        orders = [order for order in storefront["orders"] if order["id"] not in self.given_up]
        sales, notes = books["sales"], books["credit_notes"]
        rows = self.rows()
        letters = [letter.about for letter in self.ledger.open_dead_letters.values()]
        checks = (
            closing.sold(orders, sales, self.pushed),
            closing.given_back(orders, sales, notes),
            closing.written_once([*sales, *notes]),
            closing.same_person_once(books["clients"]),
            closing.shelves(storefront, self.ledger.links, self.expected),
            closing.figures(storefront, self.ledger.figures),
            closing.versions(self.ledger.story),
            closing.accounted(self.ledger.story, letters, [row.id for row in rows], self.given_up),
            (f"{closing.doubles(storefront)} SKUs stand twice in the shop" for _ in range(self._doubled(storefront))),
            (f"{row.service}: {row.id} still waits ({row.state})" for row in rows),
            (f"dead letter: {letter.reason}: {letter.detail}" for letter in self.ledger.open_dead_letters.values()),
        )
        return [complaint for check in checks for complaint in check]

    def _doubled(self, storefront: Mapping[str, Any]) -> bool:
        return closing.doubles(storefront) != self.doubles

    async def comes_to_rest(self) -> None:
        """Have Balance read whole, then wait until the services have read everything and nothing is left to deliver."""
        for resource in ("items", "prices", "stock"):
            await self.imported(resource)

        async def rests() -> bool:
            found = await read_service_statuses(self.settings)
            return not any(one.lag or one.waiting or one.unpublished for one in found)

        await until(rests, "all services come to rest")

    async def writes(self) -> dict[str, Counter[str]]:
        """How often each resource of each sandbox was written to so far."""
        return {
            "shop": await journal.writes(self.world.shop),
            "balance": await journal.writes(self.world.balance),
        }

    def rows(self) -> list[outboxes.Waiting]:
        """The deliveries that wait now."""
        return outboxes.waiting(self.settings.state.directory)

    async def stock_in_balance(self) -> dict[str, dict[str, dict[str, str]]]:
        """`{item uid: {warehouse name: {"quantity": "5", "reserve": "1"}}}`."""
        answer = await self.world.balance.get("/_sandbox/state", params={"parts": "stock"})
        found: dict[str, dict[str, dict[str, str]]] = answer.raise_for_status().json()["stock"]
        return found


@asynccontextmanager
async def stage(
    folder: Path, kafka: str, *, flows: Mapping[str, str] = ALL_LIVE, **changes: Mapping[str, Any]
) -> AsyncIterator[Stage]:
    """A world with topics, settings and a subscriber; the test starts the programs. They end with the context."""
    async with start_environment(folder, kafka, f"t{uuid4().hex[:12]}.") as made:
        settings = made.write_settings(flows, **(QUIET | changes))
        await create_topics(settings.kafka)
        programs = Programs(made.settings_file)
        async with follow_events(settings.kafka) as ledger:
            try:
                yield Stage(made, settings, ledger, programs, closing.doubles(await made.storefront()))
            finally:
                await programs.close()
