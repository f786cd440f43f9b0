"""The settings name a clone of a shop, with its keys, orders, webhooks and our marker: nothing is written."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.identity import ShopIdentified, ShopNotRecognized
from services.demo.environment import ALL_LIVE
from services.demo.kafka import Broker
from services.sandbox.faults import FaultInjector
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.control import CLONE_PATH, ShopClone
from tests.end_to_end import sandbox_requests
from tests.end_to_end.system import ALL_SERVICES, NO_SCHEDULED_IMPORTS, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until


@dataclass(slots=True)
class Copy:
    """A copy of the shop at another address."""

    url: str
    http: httpx.AsyncClient

    async def place_order(self, recorded: int) -> None:
        """Place an order there; the copy's webhooks call our receiver with valid signatures."""
        (await self.http.post("/_sandbox/orders", json={"recorded": recorded})).raise_for_status()

    async def has_delivered_webhook(self) -> bool:
        """Whether our receiver has accepted a webhook from it."""
        sent = (await self.http.get("/_sandbox/webhooks/sent")).json()
        return any(one["status"] == 200 and "X-WC-Webhook-Signature" in one["headers"] for one in sent)

    async def writes(self) -> int:
        """How many writes reached it."""
        return sum((await sandbox_requests.count_writes(self.http)).values())


@asynccontextmanager
async def clone_shop(system: SystemUnderTest) -> AsyncIterator[Copy]:
    """A copy of the shop in its current state."""
    assert system.world.original is not None
    ca_file = system.world.folder / "copy-ca.pem"
    async with serve(FaultInjector(ShopClone(create_shop(), system.world.original)), tls=True, ca_file=ca_file) as at:
        trusted = ssl.create_default_context(cafile=ca_file)
        async with httpx.AsyncClient(base_url=at.url, verify=trusted) as http:
            (await http.post(CLONE_PATH)).raise_for_status()
            yield Copy(at.url, http)


def list_events(system: SystemUnderTest, kind: type[Any]) -> list[Any]:
    """The events of a type so far."""
    return [envelope.data for envelope in system.ledger.story if isinstance(envelope.data, kind)]


@pytest_asyncio.fixture(name="system")
async def _system(kafka: Broker, tmp_path: Path) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path, kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        yield made


@pytest.mark.long
@pytest.mark.claim("K20", "S0.47")
async def test_a_clone_of_the_shop_writes_nothing_until_a_person_accepts_it(system: SystemUnderTest) -> None:
    # given: a shop that is known and marked, with one order in the books
    first, second = system.supply.orders(2)
    await system.place(first)
    await system.wait_until(lambda: system.ledger.sales and system.ledger.figures, "the order is in the books")
    [known] = list_events(system, ShopIdentified)
    assert (known.how, bool(known.marker)) == ("first-contact", True)
    async with clone_shop(system) as copy:
        # when: the copy's webhooks arrive at our receiver
        books = (await system.writes())["balance"]
        await copy.place_order(second)
        await wait_until(copy.has_delivered_webhook, "the copy's webhooks are taken")
        assert (await system.writes())["balance"] == books
        # and when: the settings name the copy, and there is something to write
        await system.programs.kill("up")
        changed = {"url": copy.url, "ca-file": "copy-ca.pem", "identity-check": 1.0}
        system.world.write_settings(ALL_LIVE, **NO_SCHEDULED_IMPORTS, shops__main=changed)
        await system.programs.start("up", services=len(ALL_SERVICES))
        figure = next(iter(system.ledger.figures.values()))
        await system.change("stocks", item=figure.item, warehouse="Main", quantity="931")
        await system.import_now("stock")
        await system.wait_until(lambda: list_events(system, ShopNotRecognized), "the copy is not recognized")
        # then: nothing is written to the copy, and nothing to Balance
        asked = [system.run_davtari(command, "--json") for command in ("status", "check")]
        status, check = await asyncio.gather(*asked)
        assert status.json["shops"]["main"]["not_recognized"]["differences"]
        assert _identity(check.json)["ok"] is False
        assert (await copy.writes(), (await system.writes())["balance"]) == (0, books)
        # and then, when a person has accepted it, what waited is written there
        accepted = await system.run_davtari("shop", "accept", "--shop", "main", "--reason", "the shop has moved")
        assert accepted.code == 0, accepted.err + accepted.out
        assert list_events(system, ShopIdentified)[-1].how == "accepted"
        await system.wait_until(lambda: system.ledger.figures[figure.key].quantity > 900, "what waited is written", 30)


def _identity(checked: dict[str, Any]) -> dict[str, Any]:
    [found] = [one for each in checked["systems"] for one in each["findings"] if one["what"] == "identity"]
    assert isinstance(found, dict)
    return found
