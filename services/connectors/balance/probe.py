"""Checks which resources this user may read and where they are published; changes nothing in Balance."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from services.connectors.balance import clients, items, prices, stocks
from services.connectors.balance.api import BalanceApi, fixed_parameters
from services.connectors.balance.refusals import UnknownParameter
from services.connectors.balance.stream import Rows
from services.engine.outbox.upstream_errors import AccessDenied, UpstreamError
from services.settings.balance import BalanceSettings

COUNTED = 1000
"""Rows up to which a resource is counted: enough to distinguish an empty one, and cheap."""
NOBODY = "00000000000"
"""A personal number that nobody has."""
NO_DOCUMENT = "5c0f1d0e-3b7a-5d53-9d0b-6a3c1e0f7b21"
"""A uid that no document has."""


@dataclass(frozen=True, slots=True)
class ResourceProbe:
    """The result for one resource. `status` is the HTTP status of a failure, if there was an answer.

    `rows` were read and there may be `more`; None if a resource is only looked up by key. `advice` states the fix; it
    is empty if there is none to make.
    """

    resource: str
    ok: bool
    status: int | None = None
    rows: int | None = None
    more: bool = False
    advice: str = ""


async def probe_resources(api: BalanceApi, only: Collection[str] | None = None) -> tuple[ResourceProbe, ...]:
    """A result for each resource used in this dialect, the most important first.

    If `only` is given, just these are read; receipts are read only then, since few installations have them.
    """
    lookups, usual = _lookups(api.settings), _usual(api.settings) if only is None else only
    return tuple(
        await asyncio.gather(
            *([_paged_items(api)] if _asked(items.ITEMS, only) else []),
            *(_listed(api, resource) for resource in _lists(api.settings) if _asked(resource, only)),
            *(_looked_up(api, resource, filters) for resource, filters in lookups.items() if resource in usual),
        )
    )


def _asked(resource: str, only: Collection[str] | None) -> bool:
    return only is None or resource in only


def _lists(settings: BalanceSettings) -> tuple[str, ...]:
    price_source = prices.ITEM_PRICING if settings.dialect.item_pricing else prices.PRICES
    discounts = (settings.discounts.resource,) if settings.discounts.read else ()
    return stocks.WAREHOUSES, price_source, stocks.STOCKS, stocks.LOTS, *discounts


def _lookups(settings: BalanceSettings) -> Mapping[str, Mapping[str, str]]:
    document = {"uid": NO_DOCUMENT}
    dialect = settings.dialect
    return {
        clients.CLIENTS: {"ID": NOBODY},
        dialect.sale_resource: document,
        dialect.credit_note_resource: document,
        dialect.bank_receipt_resource: document,
        dialect.cash_receipt_resource: document,
    }


def _usual(settings: BalanceSettings) -> Collection[str]:
    return clients.CLIENTS, settings.dialect.sale_resource, settings.dialect.credit_note_resource


async def _paged_items(api: BalanceApi) -> ResourceProbe:
    """Read one page with one item; without paging if this Balance does not know it and it is not configured."""
    fixed = fixed_parameters(api.settings, items.ITEMS)
    try:
        return await _counted(items.ITEMS, api.rows(items.ITEMS, {**fixed, "Pack": 1, "PackSize": 1}), full=1)
    except UnknownParameter as error:
        if items.ITEMS in api.settings.dialect.paging:
            return _failed(items.ITEMS, error)
    except UpstreamError as error:
        return await _elsewhere(api, items.ITEMS, error)
    return await _listed(api, items.ITEMS)


async def _listed(api: BalanceApi, resource: str) -> ResourceProbe:
    try:
        return await _counted(resource, api.rows(resource, fixed_parameters(api.settings, resource)))
    except UpstreamError as error:
        return await _elsewhere(api, resource, error)


async def _looked_up(api: BalanceApi, resource: str, filters: Mapping[str, str]) -> ResourceProbe:
    """Look up a key that nothing has. The name of a receipt is confirmed only by an explicit "not found"."""
    guessed = resource in (api.settings.dialect.bank_receipt_resource, api.settings.dialect.cash_receipt_resource)
    try:
        await _counted(resource, api.rows(resource, filters) if guessed else api.where(resource, **filters))
    except UpstreamError as error:
        return _failed(resource, error)
    return ResourceProbe(resource, ok=True)


async def _counted(resource: str, rows: Rows, full: int = COUNTED) -> ResourceProbe:
    """Count rows; from `full` rows on there may be more."""
    count = 0
    async with aclosing(rows):
        async for _ in rows:
            count += 1
            if count >= COUNTED:
                break
    return ResourceProbe(resource, ok=True, rows=count, more=count >= full)


async def _elsewhere(api: BalanceApi, resource: str, error: UpstreamError) -> ResourceProbe:
    """Whether a denied resource is readable under the cloud's other publication (Balance fact 2)."""
    other = _other_publication(api.settings, resource)
    if other is None or not isinstance(error, AccessDenied):
        return _failed(resource, error)
    moved = api.published_as(resource, other)
    try:
        await _counted(resource, moved.rows(resource, fixed_parameters(api.settings, resource)))
    except UpstreamError:
        return _failed(resource, error)
    advice = f'it answers under publication "{other}": set balance.dialect.publication-of.{resource} = "{other}"'
    return ResourceProbe(resource, ok=False, status=error.status, advice=advice)


def _other_publication(settings: BalanceSettings, resource: str) -> str | None:
    if settings.url is not None and "{publication}" not in settings.url:
        return None
    return "a" if settings.dialect.publication_of.get(resource, settings.publication) == "o" else "o"


def _failed(resource: str, error: UpstreamError) -> ResourceProbe:
    return ResourceProbe(resource, ok=False, status=error.status, advice=error.message)
