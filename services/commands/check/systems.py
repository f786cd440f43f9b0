"""`davtari check`: what is wrong in either system or in the settings, and what mends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from aiokafka.errors import KafkaError

from contracts.catalog import GroupRule
from services.commands.check import kafka, webhooks
from services.commands.shops import identity
from services.shared.balance.client import Balance
from services.shared.balance.rows import RowInvalid
from services.shared.checks import balance as balance_checks
from services.shared.checks import shop as shop_checks
from services.shared.checks import taxes
from services.shared.checks.finding import FLOWS, Finding, blocked
from services.shared.checks.groups import selected
from services.shared.checks.rules import rules
from services.shared.clock import utc_now
from services.shared.identity import seen
from services.shared.mapping.effective import mapped_shop
from services.shared.mapping.reading import read_commanded
from services.shared.messaging.reaching import NotYet
from services.shared.messaging.topics import TopicsNotCreated
from services.shared.running.upstreams import open_shop
from services.shared.settings import SettingsError
from services.shared.settings.base import SecretMissing
from services.shared.settings.model import Settings
from services.shared.upstream.errors import UpstreamError
from services.shared.woocommerce.client import WooCommerce

KAFKA_FIX = "does Kafka run at kafka.bootstrap-servers?"
Look = Callable[["Checked"], Awaitable[None]]


@dataclass(slots=True)
class Checked:
    """What was found about one system. `shop` is its short id, empty for the others; `milliseconds` it all took.

    `mended` says what was done, one text each.
    """

    title: str
    shop: str = ""
    findings: list[Finding] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    milliseconds: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing must be mended."""
        return all(finding.ok is not False for finding in self.findings)


async def check(settings: Settings, *, mend: bool = False) -> list[Checked]:
    """Look at Kafka, Balance and every shop; `mend` first what can be mended from here."""
    shops = [_shop(settings, name, mend) for name in settings.shops]
    return list(await asyncio.gather(_kafka(settings, mend), _balance(settings), *shops))


async def check_taxes(settings: Settings) -> list[Checked]:
    """Look at the taxes of every shop alone, rate by rate."""
    return list(await asyncio.gather(*(_taxes_of(settings, name) for name in settings.shops)))


async def _taxes_of(settings: Settings, name: str) -> Checked:
    async def look(checked: Checked) -> None:
        async with open_shop(settings, name, utc_now) as client:
            checked.findings += taxes.everything(await taxes.looked_at(client, settings, name))

    return await _tried(f"Taxes of shop {name}  {settings.shops[name].url}", look, name)


def forbidden(found: list[Checked], settings: Settings) -> dict[str, list[str]]:
    """`{shop: flows that cannot go live}`: what is wrong with Kafka or Balance concerns every shop."""
    common = [finding for one in found if not one.shop for finding in one.findings]
    own = {one.shop: one.findings for one in found if one.shop}
    return blocked({name: [*filter(partial(_concerns, name), common), *own.get(name, [])] for name in settings.shops})


def _concerns(shop: str, finding: Finding) -> bool:
    """A finding about a key of one shop's settings concerns no other shop."""
    return not finding.what.startswith("shops.") or finding.what.startswith(f"shops.{shop}.")


async def _tried(title: str, look: Look, shop: str = "") -> Checked:
    checked, begun = Checked(title, shop), time.monotonic()
    try:
        await look(checked)
    except KafkaError as error:
        checked.findings.append(Finding("connection", False, str(error), KAFKA_FIX, FLOWS))
    except RowInvalid as error:
        checked.findings.append(Finding("record", False, error.detail))
    except (UpstreamError, SecretMissing, SettingsError, TopicsNotCreated, OSError) as error:
        checked.findings.append(Finding("connection", False, str(error), "", FLOWS))
    checked.milliseconds = round(1000 * (time.monotonic() - begun))
    return checked


async def _kafka(settings: Settings, mend: bool) -> Checked:
    async def look(checked: Checked) -> None:
        if mend:
            checked.mended += await kafka.mended(settings.kafka)
        checked.findings += await kafka.findings(settings.kafka)

    return await _tried(kafka.title(settings.kafka), look)


async def _balance(settings: Settings) -> Checked:
    balance = settings.balance

    async def look(checked: Checked) -> None:
        async with Balance(balance, balance.password()) as client:
            checked.findings += await balance_checks.everything(client, settings)

    where = f"application {balance.application_id}" if balance.transport == "cloud" else str(balance.url)
    return await _tried(f"Balance   {balance.transport}, {where}, as {balance.user_name}", look)


async def _commanded(settings: Settings) -> dict[str, dict[str, GroupRule]] | None:
    """What people commanded about groups; None while Kafka cannot tell, which is a finding of its own."""
    try:
        return await read_commanded(settings.kafka)
    except (KafkaError, NotYet, TopicsNotCreated):
        return None


async def _shop(settings: Settings, name: str, mend: bool) -> Checked:
    shop = settings.shops[name]

    async def look(checked: Checked) -> None:
        commanded = await _commanded(settings)
        checked.findings += rules(name, mapped_shop(shop, (commanded or {}).get(name, {})))
        async with open_shop(settings, name, utc_now) as client:
            checked.findings[:0] = await shop_checks.everything(client, settings, name)
            checked.findings.append(await _identity(settings, name, client))
            checked.findings += [] if commanded is None else await selected(client, settings, name)
            if mend:
                checked.mended += await webhooks.mended(client, settings, name)
            checked.findings += await webhooks.findings(client, settings, name)

    return await _tried(f"Shop {name}  {shop.url}", look, name)


async def _identity(settings: Settings, name: str, client: WooCommerce) -> Finding:
    """Whether it is still the shop that store-feed has met; without Kafka nobody knows."""
    try:
        known = (await identity.identities(settings))[name]
    except KafkaError as error:
        return Finding("identity", None, "what the shop is known by stands in Kafka", str(error))
    return identity.finding(name, known, await seen.look(client, settings.shops[name]))
