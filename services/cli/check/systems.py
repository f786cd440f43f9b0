"""The checks of Kafka, Balance and every shop, run at the same time. One check that fails hides no other."""

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
from services.accounting.checks.findings import FLOWS, Finding, blocked_flows
from services.accounting.checks.groups import check_known_groups
from services.accounting.checks.shop import check_settings
from services.accounting.mapping import apply_to_shop
from services.cli import shop_identity
from services.cli.check import installation, items
from services.cli.check.items import CheckFacts, count_items, facts_from_items, read_check_facts, read_sample
from services.connectors.balance.client import Balance
from services.connectors.balance.fields import RowInvalid
from services.connectors.identity.evidence import observe_shop
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import utc_now
from services.engine.kafka.availability import KafkaNotReady
from services.engine.kafka.topics import TopicsNotCreated
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError
from services.settings import SettingsError
from services.settings.base import SecretMissing
from services.settings.model import Settings

FindingsCheck = Callable[[], Awaitable[Sequence[Finding]]]
"""Raises `UpstreamError`, `RowInvalid` or `SecretMissing` if the check cannot be made."""
SystemCheck = Callable[["CheckedSystem"], Awaitable[None]]
NOT_CHECKED = "could not be checked"
KAFKA_FIX = "check that Kafka runs at kafka.bootstrap-servers"


async def gather_findings(checks: dict[str, FindingsCheck]) -> list[Finding]:
    """Run checks at the same time. A check that cannot be made becomes a finding with its name.

    The findings are in the order of the checks.
    """
    found = await asyncio.gather(*(_try_check(name, check) for name, check in checks.items()))
    return [finding for findings in found for finding in findings]


async def _try_check(name: str, check: FindingsCheck) -> Sequence[Finding]:
    """A resource that the key may not read is only a note; a system that does not answer is a problem."""
    try:
        return await check()
    except (AccessDenied, Rejected) as error:
        return [Finding(name, None, NOT_CHECKED, error.message)]
    except UpstreamError as error:
        return [Finding(name, False, NOT_CHECKED, error.message)]
    except RowInvalid as error:
        return [Finding(name, False, NOT_CHECKED, error.detail)]
    except SecretMissing as error:
        return [Finding(name, False, NOT_CHECKED, str(error))]


@dataclass(slots=True)
class CheckedSystem:
    """The findings about one system. `shop` is the shop's id, or empty; `fixed` has one text per change made.

    `milliseconds`: how long the check took.
    """

    title: str
    shop: str = ""
    findings: list[Finding] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    milliseconds: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return all(finding.ok is not False for finding in self.findings)


async def check_systems(settings: Settings, *, fix: bool = False) -> list[CheckedSystem]:
    """Check the settings, Kafka, Balance and every shop. `fix`: first create and enable what is missing."""
    kafka_checked = await _check_kafka(settings, fix)
    known_items = asyncio.create_task(_read_known_items(settings))
    shops = [_check_shop(settings, name, fix, known_items) for name in settings.shops]
    return [_check_settings(settings), kafka_checked, *await asyncio.gather(_check_balance(settings), *shops)]


def _check_settings(settings: Settings) -> CheckedSystem:
    findings = [*installation.secret_findings(settings), *installation.command_findings(settings.commands)]
    return CheckedSystem("Settings", findings=findings)


@dataclass(frozen=True, slots=True)
class KnownItems:
    """Items and prices from the topics, or from Balance while the topics have no items. `items` None: from neither.

    `source` describes where they are from; `unreadable` describes records of Balance that cannot be read.
    """

    items: CheckFacts | None
    topics: CheckFacts | None
    source: str = ""
    unreadable: tuple[str, ...] = ()


async def _read_known_items(settings: Settings) -> KnownItems:
    """Read the items from the topics, or a sample from Balance while the topics have none."""
    topics = await read_check_facts(settings)
    if topics and any(each.items for each in topics.catalogues.values()):
        return KnownItems(topics, topics, "as imported")
    try:
        async with Balance(settings.balance, settings.balance.password()) as client:
            found = await read_sample(client, settings.balance, utc_now())
    except (UpstreamError, SecretMissing, SettingsError):
        return KnownItems(None, topics)
    source = "in Balance" if found.complete else "the first ones of Balance's list"
    return KnownItems(facts_from_items(settings, found.items, found.prices), topics, source, tuple(found.unreadable))


async def check_taxes(settings: Settings) -> list[CheckedSystem]:
    """Check only the taxes of every shop, rate by rate."""
    return list(await asyncio.gather(*(_check_shop_taxes(settings, name) for name in settings.shops)))


async def _check_shop_taxes(settings: Settings, name: str) -> CheckedSystem:
    async def check(checked: CheckedSystem) -> None:
        async with open_shop(settings, name, utc_now) as client:
            checked.findings += taxes.list_taxes(await taxes.read_taxes(client, settings, name))

    return await _run_check(f"Taxes of shop {name}  {settings.shops[name].url}", check, name)


def find_blocked_flows(found: list[CheckedSystem], settings: Settings) -> dict[str, list[str]]:
    """The flows that cannot go live, by shop. A problem of Kafka or Balance concerns every shop."""
    common = [finding for one in found if not one.shop for finding in one.findings]
    own = {one.shop: one.findings for one in found if one.shop}
    return blocked_flows(
        {name: [*filter(partial(_concerns_shop, name), common), *own.get(name, [])] for name in settings.shops}
    )


def _concerns_shop(shop: str, finding: Finding) -> bool:
    """Whether a common finding concerns this shop; a finding about the settings of one shop concerns no other."""
    return not finding.what.startswith("shops.") or finding.what.startswith(f"shops.{shop}.")


async def _run_check(title: str, check: SystemCheck, shop: str = "") -> CheckedSystem:
    checked, start = CheckedSystem(title, shop), time.monotonic()
    try:
        await check(checked)
    except KafkaNotReady as error:
        checked.findings.append(Finding("connection", False, error.message, error.fix, FLOWS))
    except KafkaError as error:
        checked.findings.append(Finding("connection", False, f"Kafka error: {error!r}", KAFKA_FIX, FLOWS))
    except RowInvalid as error:
        checked.findings.append(Finding("record", False, error.detail))
    except (UpstreamError, SecretMissing, SettingsError, TopicsNotCreated, OSError) as error:
        checked.findings.append(Finding("connection", False, str(error), "", FLOWS))
    checked.milliseconds = round(1000 * (time.monotonic() - start))
    return checked


async def _check_kafka(settings: Settings, fix: bool) -> CheckedSystem:
    async def check(checked: CheckedSystem) -> None:
        if fix:
            checked.fixed += await installation.fix_topics(settings.kafka)
        checked.findings += await installation.topic_findings(settings.kafka)

    return await _run_check(installation.kafka_title(settings.kafka), check)


async def _check_balance(settings: Settings) -> CheckedSystem:
    balance = settings.balance

    async def check(checked: CheckedSystem) -> None:
        async with Balance(balance, balance.password()) as client:
            checked.findings += await balance_checks.check_all(client, settings)

    where = f"application {balance.application_id}" if balance.transport == "cloud" else str(balance.url)
    return await _run_check(f"Balance   {balance.transport}, {where}, as {balance.user_name}", check)


async def _check_shop(settings: Settings, name: str, fix: bool, known_items: asyncio.Task[KnownItems]) -> CheckedSystem:
    shop = settings.shops[name]

    async def check(checked: CheckedSystem) -> None:
        async with open_shop(settings, name, utc_now) as client:
            probe, checked.findings = await shop_checks.check_key(client)
            if fix and probe.may_read:
                checked.fixed += await installation.fix_webhooks(client, settings, name)
            if probe.may_read:
                checked.findings += await gather_findings(_shop_checks(client, settings, name, known_items))
            checked.findings += shop_checks.check_php_output(client, name)
        topics = (await known_items).topics
        commanded = topics.commanded.get(name, {}) if topics else {}
        checked.findings += check_settings(name, apply_to_shop(shop, commanded))

    return await _run_check(f"Shop {name}  {shop.url}", check, name)


def _shop_checks(
    client: WooCommerce, settings: Settings, name: str, known_items: asyncio.Task[KnownItems]
) -> dict[str, FindingsCheck]:
    """The checks of a shop. Only those that need the known items wait for them."""
    return {
        "WooCommerce": lambda: shop_checks.check_version(client),
        "currency and taxes": lambda: shop_checks.check_money(client, settings, name),
        "decimals of prices": lambda: shop_checks.check_decimals(client),
        "webhooks": lambda: installation.webhook_findings(client, settings, name),
        "identity": lambda: _identity_findings(settings, name, client, known_items),
        "groups": lambda: _group_findings(client, name, known_items),
        "items": lambda: _item_findings(client, settings, name, known_items),
    }


async def _group_findings(client: WooCommerce, name: str, known_items: asyncio.Task[KnownItems]) -> list[Finding]:
    """Whether every selected group has its category in the shop."""
    if (topics := (await known_items).topics) is None:
        return []
    catalogue = topics.catalogues[name]
    return await check_known_groups(client, catalogue.rules, name, catalogue.folders)


async def _item_findings(
    client: WooCommerce, settings: Settings, name: str, known_items: asyncio.Task[KnownItems]
) -> list[Finding]:
    """How many of Balance's items become products of the shop, and whether their SKUs are ambiguous there."""
    known = await known_items
    if known.items is None or not known.items.catalogues[name].items:
        return []
    counts = count_items(known.items.catalogues[name], known.items.prices, settings.balance, utc_now())
    found = [*items.item_findings(counts, known.source), *_unreadable_findings(known.unreadable)]
    return [*found, *await items.product_findings(client, counts.sold, settings.shops[name].catalogue.meta_key)]


def _unreadable_findings(records: Sequence[str]) -> list[Finding]:
    if not records:
        return []
    return [Finding("unreadable records", None, f"{len(records):,} in Balance, for example {records[0]}")]


async def _identity_findings(
    settings: Settings, name: str, client: WooCommerce, known_items: asyncio.Task[KnownItems]
) -> list[Finding]:
    """Whether this is still the shop that store-feed identified; that cannot be checked without Kafka."""
    if (topics := (await known_items).topics) is None:
        return [Finding("identity", None, "not compared: the shop's identity is stored in Kafka")]
    seen = await observe_shop(client, settings.shops[name])
    return [shop_identity.check_identity(name, topics.identities[name], seen)]
