"""`davtari check`: what is wrong in either system or in the settings, and what mends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from aiokafka.errors import KafkaError

from services.accounting.checks import balance as balance_checks
from services.accounting.checks import shop as shop_checks
from services.accounting.checks import taxes
from services.accounting.checks.finding import FLOWS, Finding, blocked
from services.accounting.checks.groups import selected_of
from services.accounting.checks.rules import rules
from services.accounting.mapping.effective import mapped_shop
from services.cli.check import catalogue, kafka, looking, secrets, webhooks
from services.cli.check.catalogue import counted
from services.cli.check.known import Known, known, of_items
from services.cli.check.looking import together
from services.cli.check.sample import sample
from services.cli.shops import identity
from services.connectors.balance.client import Balance
from services.connectors.balance.rows import RowInvalid
from services.connectors.identity import seen as identity_seen
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.kafka.reaching import NotYet
from services.engine.kafka.topics import TopicsNotCreated
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.clock import utc_now
from services.settings import SettingsError
from services.settings.base import SecretMissing
from services.settings.model import Settings

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
    """Look at the settings, Kafka, Balance and every shop; `mend` first what can be mended from here."""
    kafka_checked = await _kafka(settings, mend)
    items = asyncio.create_task(_known(settings))
    shops = [_shop(settings, name, mend, items) for name in settings.shops]
    return [_settings(settings), kafka_checked, *await asyncio.gather(_balance(settings), *shops)]


def _settings(settings: Settings) -> Checked:
    return Checked("Settings", findings=secrets.findings(settings))


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of items, where from, and which records of Balance cannot be read; `known` None: from nowhere."""

    known: Known | None
    topics: Known | None
    source: str = ""
    unreadable: tuple[str, ...] = ()


async def _known(settings: Settings) -> Seen:
    """What the topics know; where they hold no item yet, what Balance shows now."""
    topics = await known(settings)
    if topics and any(each.items for each in topics.catalogues.values()):
        return Seen(topics, topics, "as imported")
    try:
        async with Balance(settings.balance, settings.balance.password()) as client:
            found = await sample(client, settings.balance, utc_now())
    except (UpstreamError, SecretMissing, SettingsError):
        return Seen(None, topics)
    source = "in Balance" if found.whole else "the first of Balance's list"
    return Seen(of_items(settings, found.items, found.prices), topics, source, tuple(found.unreadable))


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
    except NotYet as error:
        checked.findings.append(Finding("connection", False, error.told, error.fix, FLOWS))
    except KafkaError as error:
        checked.findings.append(Finding("connection", False, f"Kafka does not answer: {error!r}", KAFKA_FIX, FLOWS))
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


async def _shop(settings: Settings, name: str, mend: bool, told: asyncio.Task[Seen]) -> Checked:
    shop = settings.shops[name]

    async def look(checked: Checked) -> None:
        async with open_shop(settings, name, utc_now) as client:
            probe, checked.findings = await shop_checks.key(client)
            if mend and probe.may_read:
                checked.mended += await webhooks.mended(client, settings, name)
            if probe.may_read:
                checked.findings += await together(_looks(client, settings, name, told))
            checked.findings += shop_checks.php_output(client, name)
        topics = (await told).topics
        commanded = topics.commanded.get(name, {}) if topics else {}
        checked.findings += rules(name, mapped_shop(shop, commanded))

    return await _tried(f"Shop {name}  {shop.url}", look, name)


def _looks(client: WooCommerce, settings: Settings, name: str, told: asyncio.Task[Seen]) -> dict[str, looking.Look]:
    """What is looked at in a shop, all at once: nothing waits for what is not known yet but what needs it."""
    return {
        "WooCommerce": lambda: shop_checks.version(client),
        "currency and taxes": lambda: shop_checks.money(client, settings, name),
        "decimals of prices": lambda: shop_checks.decimals(client),
        "webhooks": lambda: webhooks.findings(client, settings, name),
        "identity": lambda: _identity(settings, name, client, told),
        "groups": lambda: _groups(client, name, told),
        "items": lambda: _items(client, settings, name, told),
    }


async def _groups(client: WooCommerce, name: str, told: asyncio.Task[Seen]) -> list[Finding]:
    """Whether every selected group has its category in the shop."""
    if (topics := (await told).topics) is None:
        return []
    held = topics.catalogues[name]
    return await selected_of(client, held.rules, name, held.folders)


async def _items(client: WooCommerce, settings: Settings, name: str, told: asyncio.Task[Seen]) -> list[Finding]:
    """What would become of Balance's items in the shop."""
    seen = await told
    if seen.known is None or not seen.known.catalogues[name].items:
        return []
    found = counted(seen.known.catalogues[name], seen.known.prices, settings.balance, utc_now())
    said = [*catalogue.findings(found, seen.source), *_unreadable(seen.unreadable)]
    return [*said, *await catalogue.in_shop(client, found.sold, settings.shops[name].catalogue.meta_key)]


def _unreadable(records: Sequence[str]) -> list[Finding]:
    if not records:
        return []
    return [Finding("unreadable records", None, f"{len(records):,} of Balance, such as {records[0]}")]


async def _identity(settings: Settings, name: str, client: WooCommerce, told: asyncio.Task[Seen]) -> list[Finding]:
    """Whether it is still the shop that store-feed has met; without Kafka nobody knows."""
    if (topics := (await told).topics) is None:
        return [Finding("identity", None, "not compared: what the shop is known by is kept in Kafka")]
    return [identity.finding(name, topics.identities[name], await identity_seen.look(client, settings.shops[name]))]
