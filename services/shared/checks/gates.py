"""The gates of the services: what a service itself looks at before its live flows may write.

They are light, since they are passed at each start: rights, and whether what the settings name is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from aiokafka.errors import KafkaError

from services.shared.balance import clients, warehouses
from services.shared.balance.client import Balance
from services.shared.balance.rows import RowInvalid
from services.shared.checks import balance as balance_checks
from services.shared.checks import shop as shop_checks
from services.shared.checks.balance import receipt_resources
from services.shared.checks.finding import Finding, forbids, live, live_anywhere
from services.shared.checks.groups import selected
from services.shared.checks.rules import rules
from services.shared.mapping.effective import mapped_shop
from services.shared.mapping.reading import read_commanded
from services.shared.messaging.reaching import NotYet
from services.shared.running.gate import Gate
from services.shared.settings.model import Settings
from services.shared.upstream.errors import UpstreamError
from services.shared.woocommerce.client import WooCommerce

Look = Callable[[], Awaitable[list[Finding]]]


def shop_gate(settings: Settings, name: str, client: WooCommerce, lane: str, flows: frozenset[str]) -> list[Gate]:
    """Before a lane that writes to a shop; none when none of the flows is live."""
    wanted = flows & live(settings.shops[name])

    async def look() -> list[Finding]:
        found = (await shop_checks.key(client))[1]
        if "catalogue" not in wanted:
            return [*found, *rules(name, settings.shops[name])]
        commanded = (await read_commanded(settings.kafka)).get(name, {})
        found += rules(name, mapped_shop(settings.shops[name], commanded))
        return [*found, *await selected(client, settings, name)]

    return [Gate(frozenset({lane}), partial(_forbidden, look, wanted))] if wanted else []


def orders_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lanes of clients and Sales."""
    only = (warehouses.RESOURCE, clients.RESOURCE, settings.balance.dialect.sale_resource)

    async def look() -> list[Finding]:
        found = await balance_checks.rights(client, settings.balance, only)
        if all(one.ok for one in found):
            found += await balance_checks.warehouses(client, settings)
        return [*found, *_rules_of_live(settings, "orders")]

    return _gate(settings, "orders", lanes, look)


def refunds_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lanes of credit notes."""
    dialect = settings.balance.dialect
    only = (dialect.sale_resource, dialect.credit_note_resource)
    return _gate(settings, "refunds", lanes, lambda: balance_checks.rights(client, settings.balance, only))


def receipts_gate(settings: Settings, client: Balance, lanes: Iterable[str]) -> list[Gate]:
    """Before the lane of receipts: may those documents be read that the payment methods name?"""
    only = receipt_resources(settings)
    return _gate(settings, "payments", lanes, lambda: balance_checks.rights(client, settings.balance, only))


def _gate(settings: Settings, flow: str, lanes: Iterable[str], look: Look) -> list[Gate]:
    wanted = live_anywhere(settings) & {flow}
    return [Gate(frozenset(lanes), partial(_forbidden, look, wanted))] if wanted else []


def _rules_of_live(settings: Settings, flow: str) -> list[Finding]:
    return [one for name, shop in settings.shops.items() if flow in live(shop) for one in rules(name, shop)]


async def _forbidden(look: Look, flows: frozenset[str]) -> Sequence[str]:
    try:
        return forbids(await look(), flows)
    except UpstreamError as error:
        return [error.message]
    except RowInvalid as error:
        return [error.detail]
    except (KafkaError, NotYet) as error:
        return [f"what people commanded about groups cannot be read from Kafka: {error}"]
