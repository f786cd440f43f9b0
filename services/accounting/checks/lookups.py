"""The lookups in Balance that must succeed before any flow goes live: signed in, and its lists may be read (S1.8)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

from services.accounting.checks import balance as balance_checks
from services.accounting.checks.finding import FLOWS, Finding
from services.connectors.balance import clients, items, prices, pricing, warehouses
from services.connectors.balance.client import Balance
from services.settings.balance import BalanceSettings
from services.settings.model import Lookup, Settings


def resource_of(lookup: Lookup, settings: BalanceSettings) -> str:
    """Where a lookup is read. API facts: groups stand among the items; price types are only named by prices."""
    price_source = pricing.RESOURCE if settings.dialect.item_pricing else prices.RESOURCE
    return {
        "Groups": items.RESOURCE,
        "PriceTypes": price_source,
        "Warehouses": warehouses.RESOURCE,
        "Clients": clients.RESOURCE,
    }[lookup]


async def lookups(client: Balance, settings: Settings) -> list[Finding]:
    """A finding for each lookup of `gates.lookups`; one that fails forbids every flow. Raises `UpstreamError`."""
    wanted = {resource_of(lookup, settings.balance): lookup for lookup in settings.gates.lookups}
    found = await balance_checks.rights(client, settings.balance, frozenset(wanted))
    return [_named(one, wanted) for one in found]


def _named(found: Finding, wanted: dict[str, Lookup]) -> Finding:
    """Under the name that people know; a resource of the same name needs no second."""
    lookup = wanted.get(found.what)
    what = found.what if lookup in (None, found.what) else f"{lookup} ({found.what})"
    return replace(found, what=what, flows=FLOWS)


def connection_digest(settings: Settings) -> str:
    """Changes with the Balance that is connected, the user, and what is asked of it."""
    balance = settings.balance
    what = f"{balance.base_url()} {balance.user_name} {' '.join(settings.gates.lookups)}"
    return blake2b(what.encode(), digest_size=8).hexdigest()
