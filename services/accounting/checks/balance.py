"""What Balance lets us do, and whether what the settings name is there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from hashlib import blake2b

from services.accounting.checks.findings import FLOWS, Finding, describe_left_out
from services.connectors.balance import clients, items, prices, stocks
from services.connectors.balance import prices as price_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.fields import RowInvalid
from services.connectors.balance.probe import ResourceProbe as Right
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings.balance import BalanceSettings
from services.settings.model import Lookup, Settings
from services.settings.orders import OrderSettings

ACCOUNT = re.compile(r"\d{2,4}(\.\d+)*")
UNKNOWN_USER, BUSY, OUT_OF_ORDER = 401, 429, 500
MENU = "In Balance: "
Content = Callable[[Balance, Settings], Awaitable[list[Finding]]]
"""Whether what the settings name is there."""
LOOKED_AT = 20_000
"""Price rows that are looked at for the price types of the settings."""
NEEDED_BY: Mapping[str, tuple[str, ...]] = {
    "Items": ("catalogue", "prices", "stock"),
    "Prices": ("prices",),
    "ItemPricing": ("prices",),
    "Stocks": ("stock",),
    "Warehouses": ("stock", "orders"),
    "Clients": ("orders",),
}
"""Which flows cannot do without a resource; ItemsSeries (lots) none."""


def needed_by(settings: BalanceSettings) -> Mapping[str, tuple[str, ...]]:
    """The same, with the names that documents have in this dialect."""
    dialect = settings.dialect
    receipts = (dialect.bank_receipt_resource, dialect.cash_receipt_resource)
    documents = {dialect.sale_resource: ("orders", "refunds"), dialect.credit_note_resource: ("refunds",)}
    return {
        **NEEDED_BY,
        **dict.fromkeys(receipts, ("payments",)),
        settings.discounts.resource: ("prices",),
        **documents,
    }


def receipt_resources(settings: Settings) -> frozenset[str]:
    """The kinds of receipts that the payment methods of shops with a payments flow name."""
    dialect, shops = settings.balance.dialect, settings.shops.values()
    names = {"bank": dialect.bank_receipt_resource, "cash": dialect.cash_receipt_resource}
    used = [method for shop in shops if shop.flows.payments != "off" for method in shop.payments.methods.values()]
    return frozenset(names[method.document] for method in used if method.settled != "never")


async def check_rights(
    client: Balance, settings: BalanceSettings, only: Collection[str] | None = None
) -> list[Finding]:
    """A finding for each resource: may this user read it? What no flow needs is to know only."""
    flows = needed_by(settings)
    found = await client.probe(only)
    if found and all(one.status == UNKNOWN_USER for one in found):
        return [_not_signed_in(settings)]
    if found and all(one.status is None and not one.ok for one in found):
        return [Finding("connection", False, "no answer", found[0].advice, FLOWS, reached=False)]
    return [
        Finding(one.resource, _judged(one, for_), _counted(one), _fix(one), for_, reached=_answered(one))
        for one in found
        for for_ in [flows.get(one.resource, ())]
    ]


def _judged(found: Right, flows: Collection[str]) -> bool | None:
    return found.ok or (False if flows else None)


def _answered(found: Right) -> bool:
    """Whether it is the answer of Balance itself, not an outage."""
    return found.ok or (found.status is not None and found.status != BUSY and found.status < OUT_OF_ORDER)


def _not_signed_in(settings: BalanceSettings) -> Finding:
    message = f"HTTP 401: Balance does not know the user {settings.user_name} with this password"
    fix = f"compare balance.user-name and {settings.password_file}; in Balance: Administration → Users"
    return Finding("sign-in", False, message, fix, FLOWS)


def _counted(found: Right) -> str:
    if not found.ok:
        return f"HTTP {found.status}: this user may not read it here" if found.status in (401, 403) else "no answer"
    return "" if found.rows is None else f"{found.rows}{' rows or more' if found.more else ' rows'}"


def _fix(found: Right) -> str:
    """The menu path alone, where the answer was a plain no."""
    advice = found.advice
    if found.status in (401, 403) and MENU in advice:
        advice = MENU + advice.partition(MENU)[2]
    without = ". Without it, lots stay unread; all else works" if found.resource == "ItemsSeries" else ""
    return advice + without if advice else ""


async def check_warehouses(client: Balance, settings: Settings) -> list[Finding]:
    """Whether the warehouses of the settings are there, by uid or by exact name. Raises `UpstreamError`."""
    listed = await client.warehouses()
    names = {one.uid: one.name for one in listed.records if not one.deleted}
    known = {*names, *names.values()}
    there = ", ".join(f"{name} ({uid})" for uid, name in names.items()) or "none"
    found = describe_left_out("warehouses", listed.unreadable, "Balance: Warehouses")
    for shop, rules in settings.shops.items():
        stock, orders = rules.stock.warehouses, [rules.orders.warehouse] if rules.orders.warehouse else []
        ruled = rules.orders.every_warehouse
        found += _absent(f"shops.{shop}.stock.warehouses", stock, known, there, "stock")
        found += _absent(f"shops.{shop}.orders.warehouse", orders, set(names), there, "orders")
        found += _absent(f"shops.{shop}.orders.warehouses and rules", ruled, known, there, "orders")
    return found


def _absent(key: str, wanted: Sequence[str], known: Collection[str], there: str, flow: str) -> list[Finding]:
    return [
        Finding(key, False, f"Balance has no warehouse {name}", f"Balance lists: {there}. Write one of these", (flow,))
        for name in wanted
        if name not in known
    ]


async def check_named_records(client: Balance, settings: Settings) -> list[Finding]:
    """Whether the client and the service items that the settings name are there. Raises `UpstreamError`."""
    looks = [look for shop, rules in settings.shops.items() for look in _named_records(client, shop, rules.orders)]
    return [finding for finding in await asyncio.gather(*looks) if finding]


def _named_records(client: Balance, shop: str, orders: OrderSettings) -> Iterator[Awaitable[Finding | None]]:
    if orders.retail_client:
        yield _retail_client(client, shop, orders.retail_client)
    for field in ("shipping_item", "fee_item", "rounding_item", "amount_item"):
        if uid := getattr(orders, field):
            yield _service_item(client, f"shops.{shop}.orders.{field.replace('_', '-')}", uid)


async def _retail_client(client: Balance, shop: str, uid: str) -> Finding | None:
    if await client.client(uid) is not None:
        return None
    fix = "In Balance: Sales → Customers: copy the uid of the retail customer"
    return Finding(f"shops.{shop}.orders.retail-client", False, f"Balance has no client {uid}", fix, ("orders",))


async def _service_item(client: Balance, key: str, uid: str) -> Finding | None:
    if await client.item(uid) is not None:
        return None
    fix = "copy the uid of a service item of Balance's catalogue"
    return Finding(key, False, f"Balance has no item {uid}", fix, ("orders", "refunds"))


async def check_price_types(client: Balance, settings: Settings) -> list[Finding]:
    """Whether any item has a price of the types that the settings name. Raises `UpstreamError`."""
    wanted = {
        (f"shops.{shop}.prices.{key}", uid.lower())
        for shop, rules in settings.shops.items()
        for key, uid in (("regular-type", rules.prices.regular_type), ("sale-type", rules.prices.sale_type))
        if uid
    }
    seen = await count_price_types(client, settings.balance, {uid for _, uid in wanted})
    there = ", ".join(sorted(seen)) or "none"
    return [
        Finding(key, False, f"no item has a price of the type {uid}", f"types in use: {there}", ("prices",))
        for key, uid in sorted(wanted)
        if uid not in seen
    ]


async def count_price_types(client: Balance, settings: BalanceSettings, wanted: Collection[str] = ()) -> dict[str, int]:
    """`{price type: prices of it}`; ends early when all that are wanted were seen. Raises `UpstreamError`."""
    seen: dict[str, int] = {}
    count = 0
    async with aclosing(client.current_prices()) as rows:
        async for row in rows:
            count += 1
            try:
                type_ = price_rows.read_price_row(row)[1].price_type
            except RowInvalid:
                continue
            seen[type_] = seen.get(type_, 0) + 1
            if count >= LOOKED_AT or (wanted and set(wanted) <= set(seen)):
                break
    return seen


def check_accounts(settings: BalanceSettings) -> list[Finding]:
    """Whether the accounts of every Sale look like account codes; Balance cannot list them (Balance fact 35)."""
    template = settings.template
    fields = (("receivables-account", template.receivables_account), ("revenue-account", template.revenue_account))
    fix = "write the code of the chart of accounts as Balance shows it, such as 1410.01"
    return [
        Finding(f"balance.template.{key}", False, f"{code!r} is no account code", fix, ("orders",))
        for key, code in fields
        if code and not ACCOUNT.fullmatch(code)
    ]


async def check_all(client: Balance, settings: Settings) -> list[Finding]:
    """All of it; what cannot be read is not asked again for its content."""
    found = await check_rights(client, settings.balance)
    if (receipts := receipt_resources(settings)) and not {"sign-in", "connection"} & {one.what for one in found}:
        found += await check_rights(client, settings.balance, receipts)
    closed = {one.what for one in found if one.ok is not True}
    if {"sign-in", "connection"} & closed:
        return found
    looks = (
        ({"Warehouses"}, check_warehouses),
        ({"Clients", "Items"}, check_named_records),
        ({"Prices", "ItemPricing"}, check_price_types),
    )
    made = await asyncio.gather(*(_made(client, settings, *one) for one in looks if not one[0] & closed))
    return [*found, *(finding for findings in made for finding in findings), *check_accounts(settings.balance)]


async def _made(client: Balance, settings: Settings, resources: Collection[str], look: Content) -> list[Finding]:
    try:
        return await look(client, settings)
    except UpstreamError as error:
        return [Finding(", ".join(sorted(resources)), False, error.message, "", ())]
    except RowInvalid as error:
        return [Finding(", ".join(sorted(resources)), False, error.detail, "", ())]


# The lookups in Balance that must succeed before any flow goes live: signed in, and its lists may be read (S1.8).


def resource_of(lookup: Lookup, settings: BalanceSettings) -> str:
    """Where a lookup is read. Balance facts 27 and 29: groups are among the items; only prices name price types."""
    price_source = prices.ITEM_PRICING if settings.dialect.item_pricing else prices.PRICES
    return {
        "Groups": items.ITEMS,
        "PriceTypes": price_source,
        "Warehouses": stocks.WAREHOUSES,
        "Clients": clients.CLIENTS,
    }[lookup]


async def check_lookups(client: Balance, settings: Settings) -> list[Finding]:
    """A finding for each lookup of `gates.lookups`; one that fails forbids every flow. Raises `UpstreamError`."""
    wanted = {resource_of(lookup, settings.balance): lookup for lookup in settings.gates.lookups}
    found = await check_rights(client, settings.balance, frozenset(wanted))
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
