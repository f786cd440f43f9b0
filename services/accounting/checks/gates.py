"""The gates of the services: what a service itself checks before its live flows may write.

They are light, since they run at each start: permissions, and whether what the settings name exists. A service that
writes to a shop has no connection to Balance: it waits until balance-feed has reported that Balance's lookups were
read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from aiokafka.errors import KafkaError

from services.accounting.checks import balance as balance_checks
from services.accounting.checks import shop as shop_checks
from services.accounting.checks.balance import check_lookups, connection_digest, receipt_resources
from services.accounting.checks.findings import FLOWS, Finding, list_obstacles, live_flows, live_flows_anywhere
from services.accounting.checks.groups import find_group_faults
from services.accounting.checks.kafka import check_broker_rights
from services.accounting.checks.shop import check_settings
from services.accounting.mapping import apply_to_shop, read_commands
from services.connectors.balance.client import Balance
from services.connectors.balance.fields import RowInvalid
from services.connectors.woocommerce.client import WooCommerce
from services.engine.kafka.availability import KafkaNotReady
from services.engine.outbox.upstream_errors import Unavailable, UpstreamError
from services.engine.runtime.gate import Gate, GateLook
from services.settings.model import Settings

Finds = Callable[[], Awaitable[list[Finding]]]
BALANCE_GATE = "gate:balance-feed:balance"
"""The key of what balance-feed says of Balance's lookups."""


def balance_gate(settings: Settings, client: Balance) -> Gate:
    """balance-feed's own: nothing waits behind it there; the services that write to shops wait for its word."""
    check = partial(_looked, lambda: check_lookups(client, settings), frozenset(FLOWS))
    return Gate("balance", frozenset(), check, FLOWS, connection_digest(settings))


def shop_gate(settings: Settings, name: str, client: WooCommerce, lane: str, flows: frozenset[str]) -> list[Gate]:
    """Before a lane that writes to a shop; none when none of the flows is live."""
    wanted = flows & live_flows(settings.shops[name])

    async def look() -> list[Finding]:
        found = await check_broker_rights(settings.kafka) + (await shop_checks.check_key(client))[1]
        if "catalogue" not in wanted:
            return [*found, *check_settings(name, settings.shops[name])]
        commanded = (await read_commands(settings)).get(name, {})
        found += check_settings(name, apply_to_shop(settings.shops[name], commanded))
        return [*found, *await find_group_faults(client, settings, name)]

    gate = Gate(
        f"shop:{name}", frozenset({lane}), partial(_looked, look, wanted), tuple(sorted(wanted)),
        settings.shops[name].url, after=BALANCE_GATE, after_about=connection_digest(settings),
    )  # fmt: skip
    return [gate] if wanted else []


def orders_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lanes of clients and Sales."""
    only = (settings.balance.dialect.sale_resource,)

    async def look() -> list[Finding]:
        found = await check_lookups(client, settings)
        found += await balance_checks.check_rights(client, settings.balance, only)
        if all(one.ok for one in found):
            found += await balance_checks.check_warehouses(client, settings)
        return [*found, *_rules_of_live(settings, "orders")]

    return _gate(settings, "orders", lanes, look)


def refunds_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lanes of credit notes."""
    dialect = settings.balance.dialect
    only = (dialect.sale_resource, dialect.credit_note_resource)

    async def look() -> list[Finding]:
        return await check_lookups(client, settings) + await balance_checks.check_rights(client, settings.balance, only)

    return _gate(settings, "refunds", lanes, look)


def receipts_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lane of receipts: may those documents be read that the payment methods name?"""
    only = receipt_resources(settings)
    return _gate(settings, "payments", lanes, lambda: balance_checks.check_rights(client, settings.balance, only))


def _gate(settings: Settings, flow: str, lanes: Iterable[str], look: Finds) -> list[Gate]:
    wanted = live_flows_anywhere(settings) & {flow}
    about = connection_digest(settings)

    async def look_at_all() -> list[Finding]:
        return await check_broker_rights(settings.kafka) + await look()

    return [Gate(flow, frozenset(lanes), partial(_looked, look_at_all, wanted), (flow,), about)] if wanted else []


def _rules_of_live(settings: Settings, flow: str) -> list[Finding]:
    return [
        one for name, shop in settings.shops.items() if flow in live_flows(shop) for one in check_settings(name, shop)
    ]


async def _looked(look: Finds, flows: frozenset[str]) -> GateLook:
    """What a look found; an upstream that gave no answer was not reached."""
    try:
        found = await look()
    except UpstreamError as error:
        return GateLook((error.message,), reached=not isinstance(error, Unavailable))
    except RowInvalid as error:
        return GateLook((error.detail,))
    except (KafkaError, KafkaNotReady) as error:
        return GateLook((f"Kafka cannot be asked: {error}",), reached=False)
    names = tuple(dict.fromkeys(one.what for one in found))
    return GateLook(tuple(list_obstacles(found, flows)), names, reached=all(one.reached for one in found))
