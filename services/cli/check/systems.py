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
from services.cli import shop_identity
from services.cli.check import installation, items
from services.cli.check.items import CheckFacts, count_items, facts_from_items, read_check_facts, read_sample
from services.connectors.balance.client import Balance
from services.connectors.balance.rows import RowInvalid
from services.connectors.identity import seen as identity_seen
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.kafka.availability import KafkaNotReady
from services.engine.kafka.topics import TopicsNotCreated
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError
from services.engine.runtime.clock import utc_now
from services.settings import SettingsError
from services.settings.base import SecretMissing
from services.settings.model import Settings

# Several looks at one system at once: each is a list of findings, and one that fails hides no other.

FindingsCheck = Callable[[], Awaitable[Sequence[Finding]]]
"""Raises `UpstreamError`, `RowInvalid` or `SecretMissing` when it cannot be made."""
NOT_CHECKED = "could not be looked at"


async def gather_findings(looks: dict[str, FindingsCheck]) -> list[Finding]:
    """The findings of all looks, in their order; the names are for those that cannot be made."""
    found = await asyncio.gather(*(_try_check(what, look) for what, look in looks.items()))
    return [finding for findings in found for finding in findings]


async def _try_check(what: str, look: FindingsCheck) -> Sequence[Finding]:
    """What a key may not read is only to know; a system that does not answer is wrong."""
    try:
        return await look()
    except (AccessDenied, Rejected) as error:
        return [Finding(what, None, NOT_CHECKED, error.message)]
    except UpstreamError as error:
        return [Finding(what, False, NOT_CHECKED, error.message)]
    except RowInvalid as error:
        return [Finding(what, False, NOT_CHECKED, error.detail)]
    except SecretMissing as error:
        return [Finding(what, False, NOT_CHECKED, str(error))]


KAFKA_FIX = "does Kafka run at kafka.bootstrap-servers?"
SystemCheck = Callable[["CheckedSystem"], Awaitable[None]]


@dataclass(slots=True)
class CheckedSystem:
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


async def check_systems(settings: Settings, *, mend: bool = False) -> list[CheckedSystem]:
    """Look at the settings, Kafka, Balance and every shop; `mend` first what can be mended from here."""
    kafka_checked = await _check_kafka(settings, mend)
    items = asyncio.create_task(_read_known_items(settings))
    shops = [_check_shop(settings, name, mend, items) for name in settings.shops]
    return [_check_settings(settings), kafka_checked, *await asyncio.gather(_check_balance(settings), *shops)]


def _check_settings(settings: Settings) -> CheckedSystem:
    return CheckedSystem("Settings", findings=installation.secret_findings(settings))


@dataclass(frozen=True, slots=True)
class KnownItems:
    """What is known of items, where from, and which records of Balance cannot be read; `known` None: from nowhere."""

    known: CheckFacts | None
    topics: CheckFacts | None
    source: str = ""
    unreadable: tuple[str, ...] = ()


async def _read_known_items(settings: Settings) -> KnownItems:
    """What the topics know; where they hold no item yet, what Balance shows now."""
    topics = await read_check_facts(settings)
    if topics and any(each.items for each in topics.catalogues.values()):
        return KnownItems(topics, topics, "as imported")
    try:
        async with Balance(settings.balance, settings.balance.password()) as client:
            found = await read_sample(client, settings.balance, utc_now())
    except (UpstreamError, SecretMissing, SettingsError):
        return KnownItems(None, topics)
    source = "in Balance" if found.whole else "the first of Balance's list"
    return KnownItems(facts_from_items(settings, found.items, found.prices), topics, source, tuple(found.unreadable))


async def check_taxes(settings: Settings) -> list[CheckedSystem]:
    """Look at the taxes of every shop alone, rate by rate."""
    return list(await asyncio.gather(*(_check_shop_taxes(settings, name) for name in settings.shops)))


async def _check_shop_taxes(settings: Settings, name: str) -> CheckedSystem:
    async def look(checked: CheckedSystem) -> None:
        async with open_shop(settings, name, utc_now) as client:
            checked.findings += taxes.everything(await taxes.looked_at(client, settings, name))

    return await _run_check(f"Taxes of shop {name}  {settings.shops[name].url}", look, name)


def find_blocked_flows(found: list[CheckedSystem], settings: Settings) -> dict[str, list[str]]:
    """`{shop: flows that cannot go live}`: what is wrong with Kafka or Balance concerns every shop."""
    common = [finding for one in found if not one.shop for finding in one.findings]
    own = {one.shop: one.findings for one in found if one.shop}
    return blocked(
        {name: [*filter(partial(_concerns_shop, name), common), *own.get(name, [])] for name in settings.shops}
    )


def _concerns_shop(shop: str, finding: Finding) -> bool:
    """A finding about a key of one shop's settings concerns no other shop."""
    return not finding.what.startswith("shops.") or finding.what.startswith(f"shops.{shop}.")


async def _run_check(title: str, look: SystemCheck, shop: str = "") -> CheckedSystem:
    checked, begun = CheckedSystem(title, shop), time.monotonic()
    try:
        await look(checked)
    except KafkaNotReady as error:
        checked.findings.append(Finding("connection", False, error.message, error.fix, FLOWS))
    except KafkaError as error:
        checked.findings.append(Finding("connection", False, f"Kafka does not answer: {error!r}", KAFKA_FIX, FLOWS))
    except RowInvalid as error:
        checked.findings.append(Finding("record", False, error.detail))
    except (UpstreamError, SecretMissing, SettingsError, TopicsNotCreated, OSError) as error:
        checked.findings.append(Finding("connection", False, str(error), "", FLOWS))
    checked.milliseconds = round(1000 * (time.monotonic() - begun))
    return checked


async def _check_kafka(settings: Settings, mend: bool) -> CheckedSystem:
    async def look(checked: CheckedSystem) -> None:
        if mend:
            checked.mended += await installation.fix_topics(settings.kafka)
        checked.findings += await installation.topic_findings(settings.kafka)

    return await _run_check(installation.kafka_title(settings.kafka), look)


async def _check_balance(settings: Settings) -> CheckedSystem:
    balance = settings.balance

    async def look(checked: CheckedSystem) -> None:
        async with Balance(balance, balance.password()) as client:
            checked.findings += await balance_checks.everything(client, settings)

    where = f"application {balance.application_id}" if balance.transport == "cloud" else str(balance.url)
    return await _run_check(f"Balance   {balance.transport}, {where}, as {balance.user_name}", look)


async def _check_shop(settings: Settings, name: str, mend: bool, told: asyncio.Task[KnownItems]) -> CheckedSystem:
    shop = settings.shops[name]

    async def look(checked: CheckedSystem) -> None:
        async with open_shop(settings, name, utc_now) as client:
            probe, checked.findings = await shop_checks.key(client)
            if mend and probe.may_read:
                checked.mended += await installation.fix_webhooks(client, settings, name)
            if probe.may_read:
                checked.findings += await gather_findings(_shop_checks(client, settings, name, told))
            checked.findings += shop_checks.php_output(client, name)
        topics = (await told).topics
        commanded = topics.commanded.get(name, {}) if topics else {}
        checked.findings += rules(name, mapped_shop(shop, commanded))

    return await _run_check(f"Shop {name}  {shop.url}", look, name)


def _shop_checks(
    client: WooCommerce, settings: Settings, name: str, told: asyncio.Task[KnownItems]
) -> dict[str, FindingsCheck]:
    """What is looked at in a shop, all at once: nothing waits for what is not known yet but what needs it."""
    return {
        "WooCommerce": lambda: shop_checks.version(client),
        "currency and taxes": lambda: shop_checks.money(client, settings, name),
        "decimals of prices": lambda: shop_checks.decimals(client),
        "webhooks": lambda: installation.webhook_findings(client, settings, name),
        "identity": lambda: _identity_findings(settings, name, client, told),
        "groups": lambda: _group_findings(client, name, told),
        "items": lambda: _item_findings(client, settings, name, told),
    }


async def _group_findings(client: WooCommerce, name: str, told: asyncio.Task[KnownItems]) -> list[Finding]:
    """Whether every selected group has its category in the shop."""
    if (topics := (await told).topics) is None:
        return []
    held = topics.catalogues[name]
    return await selected_of(client, held.rules, name, held.folders)


async def _item_findings(
    client: WooCommerce, settings: Settings, name: str, told: asyncio.Task[KnownItems]
) -> list[Finding]:
    """What would become of Balance's items in the shop."""
    seen = await told
    if seen.known is None or not seen.known.catalogues[name].items:
        return []
    found = count_items(seen.known.catalogues[name], seen.known.prices, settings.balance, utc_now())
    said = [*items.item_findings(found, seen.source), *_unreadable_findings(seen.unreadable)]
    return [*said, *await items.product_findings(client, found.sold, settings.shops[name].catalogue.meta_key)]


def _unreadable_findings(records: Sequence[str]) -> list[Finding]:
    if not records:
        return []
    return [Finding("unreadable records", None, f"{len(records):,} of Balance, such as {records[0]}")]


async def _identity_findings(
    settings: Settings, name: str, client: WooCommerce, told: asyncio.Task[KnownItems]
) -> list[Finding]:
    """Whether it is still the shop that store-feed has met; without Kafka nobody knows."""
    if (topics := (await told).topics) is None:
        return [Finding("identity", None, "not compared: what the shop is known by is kept in Kafka")]
    return [
        shop_identity.check_identity(
            name, topics.identities[name], await identity_seen.look(client, settings.shops[name])
        )
    ]
