"""balance-feed between a Balance sandbox on a real port and a real state database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from contracts.balance import ItemChanged
from contracts.model import Event
from services.balance_feed.handlers import NAME, Resource, handlers
from services.balance_feed.importing import Importer
from services.balance_feed.report import ImportReport
from services.connectors.balance.client import Balance
from services.engine.outbox.engine import Engine
from services.sandbox.balance import catalogue
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.books import SandboxBooks
from services.sandbox.balance.catalogue import CatalogueRequest
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.sandbox.faults import InjectedFault
from services.sandbox.server import serve
from services.settings.model import Settings
from tests.support.engine_bench import Clock, Ledger, commits, opened

SMALL = CatalogueRequest(extra=8, services=2, lots=2)
FIRST, SECOND = make_uid("item", "extra:0"), make_uid("item", "extra:1")
REGULAR = make_uid("price-type", "regular")
SALE = make_uid("price-type", "sale")


def settings(
    url: str, *, snapshot: dict[str, Any] | None = None, discounts: dict[str, Any] | None = None, **dialect: Any
) -> Settings:
    """The settings of a feed; `dialect`, `snapshot` and `discounts` as in the file, with underscores."""
    balance = {"transport": "on-prem", "url": url, "user_name": "integration", "password_file": "unused"}
    shop = {"url": "https://shop.test", "key_file": "key", "secret_file": "secret"}
    return Settings.model_validate(
        {
            "balance": {**balance, "dialect": dialect, "discounts": discounts or {}},
            "shops": {"main": shop},
            "snapshot": {"confirmations": 1} | (snapshot or {}),
        }
    )


@dataclass
class Feed:
    """A feed under test. `feed.imports("items")` gives what was stated."""

    sandbox: BalanceSandbox
    directory: Path
    clock: Clock
    settings: Settings
    engine: Engine
    importer: Importer
    ledger: Ledger
    reports: list[ImportReport] = field(default_factory=list)

    @property
    def books(self) -> SandboxBooks:
        """Balance's own records."""
        return self.sandbox.books

    @property
    def report(self) -> ImportReport:
        """What the last import counted."""
        return self.reports[-1]

    async def imports(self, resource: Resource, **how: bool) -> list[Event]:
        """Import, a minute after the last time; gives the events stated."""
        self.clock.forward(minutes=1)
        self.reports.append(await self.importer.run(resource, **how))
        return await self.ledger.news()

    async def items(self) -> dict[str, ItemChanged]:
        """Import the items; gives those stated, by name."""
        return {event.name: event for event in await self.imports("items") if isinstance(event, ItemChanged)}

    async def is_quiet(self, resource: Resource) -> bool:
        """Whether an import states nothing and writes nothing."""
        with commits(self.directory, NAME) as written:
            stated = await self.imports(resource)
        return stated == [] and written == []

    def trouble(self, kind: str, match: str, **more: Any) -> int:
        """Start a fault of the sandbox."""
        return self.sandbox.add(InjectedFault.model_validate({"kind": kind, "match": match, **more}))

    def asked(self, resource: str) -> int:
        """How often a resource was asked for."""
        return sum(entry.path.endswith(f"/{resource}") for entry in self.sandbox.journal.entries)

    @asynccontextmanager
    async def under(self, directory: Path | None = None, **more: Any) -> AsyncIterator[Feed]:
        """The same Balance, under other settings or with another state database."""
        changed = settings(str(self.settings.balance.url), **more)
        if directory is None:
            async with over(self.sandbox, changed, self.engine, self.directory, self.clock) as feed:
                yield feed
            return
        async with (
            opened(NAME, handlers(), directory, self.clock) as engine,
            over(self.sandbox, changed, engine, directory, self.clock) as feed,
        ):
            yield feed


@asynccontextmanager
async def opened_feed(directory: Path, order: CatalogueRequest = SMALL, **more: Any) -> AsyncIterator[Feed]:
    """A feed beside a Balance with this catalogue; `more` as `settings` takes it."""
    clock = Clock()
    sandbox = create_balance(BalanceSandboxSettings(), clock)
    catalogue.fill_catalogue(sandbox.books, order)
    async with serve(sandbox) as served, opened(NAME, handlers(), directory, clock) as engine:
        known = settings(f"{served.url}/Balance_Exchange/hs/Exchange", **more)
        async with over(sandbox, known, engine, directory, clock) as feed:
            yield feed


@asynccontextmanager
async def over(
    sandbox: BalanceSandbox, known: Settings, engine: Engine, directory: Path, clock: Clock
) -> AsyncIterator[Feed]:
    """A feed over an engine; what the engine announced before counts as seen."""
    ledger = Ledger(engine)
    await ledger.news()
    async with Balance(known.balance, SecretStr("sandbox"), sleep=_at_once) as balance:
        yield Feed(sandbox, directory, clock, known, engine, Importer(engine, balance, known), ledger)


async def _at_once(_: float) -> None:
    return


def named(events: Sequence[Event], kind: type[Event]) -> list[Any]:
    """The events of one type."""
    return [event for event in events if isinstance(event, kind)]
