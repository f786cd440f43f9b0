"""A copy of a shop, with its keys, orders, webhooks and our mark, gets into the settings: nothing is written."""

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
from tests.end_to_end import journal
from tests.end_to_end.stage import ALL, QUIET, Stage, stage
from tests.end_to_end.waiting import until


@dataclass(slots=True)
class Copy:
    """A copy of the stage's shop at an address of its own."""

    url: str
    http: httpx.AsyncClient

    async def sells(self, recorded: int) -> None:
        """A tester buys something there; the copy's webhooks call our receiver, rightly signed."""
        (await self.http.post("/_sandbox/orders", json={"recorded": recorded})).raise_for_status()

    async def told(self) -> bool:
        """Whether our receiver has taken a webhook of it."""
        sent = (await self.http.get("/_sandbox/webhooks/sent")).json()
        return any(one["status"] == 200 and "X-WC-Webhook-Signature" in one["headers"] for one in sent)

    async def writes(self) -> int:
        """How many writes reached it."""
        return sum((await journal.writes(self.http)).values())


@asynccontextmanager
async def copied(stage: Stage) -> AsyncIterator[Copy]:
    """A copy of the shop as it stands now."""
    assert stage.world.original is not None
    ca_file = stage.world.folder / "copy-ca.pem"
    async with serve(FaultInjector(ShopClone(create_shop(), stage.world.original)), tls=True, ca_file=ca_file) as at:
        trusted = ssl.create_default_context(cafile=ca_file)
        async with httpx.AsyncClient(base_url=at.url, verify=trusted) as http:
            (await http.post(CLONE_PATH)).raise_for_status()
            yield Copy(at.url, http)


def told(stage: Stage, kind: type[Any]) -> list[Any]:
    """The events of a type so far."""
    return [envelope.data for envelope in stage.ledger.story if isinstance(envelope.data, kind)]


@pytest_asyncio.fixture(name="stage")
async def _stage(kafka: Broker, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        yield made


@pytest.mark.long
@pytest.mark.claim("K20", "S0.47")
async def test_a_clone_of_the_shop_writes_nothing_until_a_person_accepts_it(stage: Stage) -> None:
    # given: a shop that is known and marked, with one order in the books
    first, second = stage.supply.orders(2)
    await stage.place(first)
    await stage.until(lambda: stage.ledger.sales and stage.ledger.figures, "the order is in the books")
    [known] = told(stage, ShopIdentified)
    assert (known.how, bool(known.marker)) == ("first-contact", True)
    async with copied(stage) as copy:
        # when: the copy's webhooks arrive at our receiver
        books = (await stage.writes())["balance"]
        await copy.sells(second)
        await until(copy.told, "the copy's webhooks are taken")
        assert (await stage.writes())["balance"] == books
        # and when: the settings name the copy, and there is something to write
        await stage.programs.kill("up")
        changed = {"url": copy.url, "ca-file": "copy-ca.pem", "identity-check": 1.0}
        stage.world.write_settings(ALL_LIVE, **QUIET, shops__main=changed)
        await stage.programs.start("up", services=len(ALL))
        figure = next(iter(stage.ledger.figures.values()))
        await stage.change("stocks", item=figure.item, warehouse="Main", quantity="931")
        await stage.imported("stock")
        await stage.until(lambda: told(stage, ShopNotRecognized), "the copy is not recognized")
        # then: nothing is written to the copy, and nothing to Balance
        asked = [stage.davtari(command, "--json") for command in ("status", "check")]
        status, check = await asyncio.gather(*asked)
        assert status.json["shops"]["main"]["not_recognized"]["differences"]
        assert _identity(check.json)["ok"] is False
        assert (await copy.writes(), (await stage.writes())["balance"]) == (0, books)
        # and then, when a person has accepted it, what waited is written there
        accepted = await stage.davtari("shop", "accept", "--shop", "main", "--reason", "the shop has moved")
        assert accepted.code == 0, accepted.err + accepted.out
        assert told(stage, ShopIdentified)[-1].how == "accepted"
        await stage.until(lambda: stage.ledger.figures[figure.key].quantity > 900, "what waited is written", 30)


def _identity(checked: dict[str, Any]) -> dict[str, Any]:
    [found] = [one for each in checked["systems"] for one in each["findings"] if one["what"] == "identity"]
    assert isinstance(found, dict)
    return found
