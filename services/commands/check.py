"""`davtari check`: what is wrong in either system or in the settings, and what mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from services.shared.balance.client import Balance
from services.shared.balance.probe import Finding as Resource
from services.shared.running.service import utc_now
from services.shared.running.upstreams import open_shop
from services.shared.settings.base import SecretMissing
from services.shared.settings.model import Settings
from services.shared.settings.shop import ShopSettings
from services.shared.upstream.errors import UpstreamError
from services.store_feed.watchdog import TOPICS as WEBHOOKS
from services.store_feed.webhook import PATH


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: fine (True), wrong (False), or to know (None); and what to do."""

    what: str
    ok: bool | None
    told: str = ""
    fix: str = ""


@dataclass(slots=True)
class Checked:
    """What was found about one system."""

    title: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing must be mended."""
        return all(finding.ok is not False for finding in self.findings)


async def check(settings: Settings) -> list[Checked]:
    """Look at Kafka, Balance and every shop."""
    shops = [_shop(settings, name) for name in settings.shops]
    return list(await asyncio.gather(_kafka(settings), _balance(settings), *shops))


async def _tried(title: str, look: Callable[[Checked], Awaitable[None]]) -> Checked:
    checked = Checked(title)
    try:
        await look(checked)
    except KafkaError as error:
        checked.findings.append(Finding("connection", False, repr(error), "does Kafka run at kafka.bootstrap-servers?"))
    except (UpstreamError, SecretMissing, OSError) as error:
        checked.findings.append(Finding("connection", False, str(error)))
    return checked


async def _kafka(settings: Settings) -> Checked:
    async def look(checked: Checked) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
        await admin.start()
        try:
            there = set(await admin.list_topics())
        finally:
            await admin.close()
        missing = [t.name for t in TOPICS if settings.kafka.topic_prefix + t.name not in there]
        told = f"{len(TOPICS) - len(missing)} of {len(TOPICS)} topics there"
        checked.findings.append(Finding("topics", not missing, told, "davtari topics create" if missing else ""))

    return await _tried(f"Kafka     {settings.kafka.bootstrap_servers}", look)


async def _balance(settings: Settings) -> Checked:
    balance = settings.balance

    async def look(checked: Checked) -> None:
        async with Balance(balance, balance.password()) as client:
            for found in await client.probe():
                checked.findings.append(Finding(found.resource, found.ok, _counted(found), found.advice))

    where = f"application {balance.application_id}" if balance.transport == "cloud" else str(balance.url)
    return await _tried(f"Balance   {balance.transport}, {where}, as {balance.user_name}", look)


def _counted(found: Resource) -> str:
    if found.rows is None:
        return f"answered {found.status}" if found.status else ""
    return f"{found.rows}{' row or more' if found.more else ' rows'}"


async def _shop(settings: Settings, name: str) -> Checked:
    shop = settings.shops[name]

    async def look(checked: Checked) -> None:
        async with open_shop(settings, name, utc_now) as client:
            found = await client.probe()
            checked.findings += [
                Finding("WooCommerce", True, f"{found.version or '(version hidden)'}, time zone {found.time_zone}"),
                Finding("key may read", found.may_read),
                Finding("key may write", found.may_write),
                *[Finding("problem", False, problem) for problem in found.problems],
            ]
            hooks = await client.webhooks()
            checked.findings.append(_webhooks(settings, name, {(h.topic, h.delivery_url): h.status for h in hooks}))
        checked.findings += _rules(name, shop)

    return await _tried(f"Shop {name}  {shop.url}", look)


def _webhooks(settings: Settings, name: str, there: dict[tuple[str, str], str]) -> Finding:
    base = settings.receiver.public_url
    if base is None:
        return Finding("webhooks", None, "receiver.public-url is not set: changes are found by polling only")
    url = base.rstrip("/") + PATH + name
    bad = [topic for topic in WEBHOOKS if there.get((topic, url)) != "active"]
    told = f"{len(WEBHOOKS) - len(bad)} of {len(WEBHOOKS)} active"
    return Finding("webhooks", not bad or None, told, "store-feed makes and enables them while it runs" if bad else "")


def _rules(name: str, shop: ShopSettings) -> list[Finding]:
    orders, live = shop.orders, {flow for flow, mode in shop.flows.model_dump().items() if mode == "live"}
    wanted = [
        ("stock.policy", shop.stock.policy, "stock"),
        ("stock.warehouses", shop.stock.warehouses, "stock"),
        ("catalogue.groups", shop.catalogue.groups, "catalogue"),
        ("orders.warehouse", orders.warehouse, "orders"),
        ("orders.retail-client", orders.retail_client, "orders"),
        ("orders.shipping-item", orders.shipping_item, "orders"),
        ("orders.fee-item", orders.fee_item, "orders"),
    ]
    return [
        Finding(f"shops.{name}.{key}", False if flow in live else None, "not set", f"the {flow} flow needs it")
        for key, value, flow in wanted
        if not value
    ]
