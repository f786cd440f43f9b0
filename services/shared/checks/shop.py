"""What a shop lets us do, how it is set up, and what the settings still lack for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection

from services.shared.checks.finding import BACK, FLOWS, Finding
from services.shared.settings.model import Settings
from services.shared.upstream.errors import Rejected, UpstreamError
from services.shared.woocommerce.client import WooCommerce
from services.shared.woocommerce.probe import Probe

OLDEST = (8, 2)
"""The first version in which HPOS is the default of new shops; older ones were never looked at."""
WRITES = ("catalogue", "prices", "stock", *BACK)
SHOWN = 5
"""Doubled SKUs that are named one by one."""


async def key(client: WooCommerce) -> tuple[Probe, list[Finding]]:
    """Whether a WooCommerce answers, and what the key may do there. Raises `UpstreamError` when none does."""
    found = await client.probe()
    mend = {True: "", False: " · ".join(found.problems)}
    return found, [
        Finding("key may read", found.may_read, "", mend[found.may_read], FLOWS),
        Finding("key may write", found.may_write, "", mend[found.may_write], WRITES),
    ]


def version(found: Probe) -> list[Finding]:
    """Which WooCommerce it is, and where it keeps its orders (claim S0.17: either way is fine, we use REST alone)."""
    if not found.version:
        told = "hidden from this key"
        return [Finding("WooCommerce", None, told, "a key of a shop manager would show version and order storage")]
    storage = {None: "order storage not told", False: "HPOS off", True: "HPOS on"}[found.hpos]
    storage += ", compatibility mode" if found.hpos and found.hpos_sync else ""
    new = _number(found.version) >= OLDEST
    fix = "" if new else "Davtari was tried with 9.9; update WooCommerce, or look well at the dry run"
    return [Finding("WooCommerce", True if new else None, f"{found.version}, {storage}, {found.time_zone}", fix)]


def _number(text: str) -> tuple[int, ...]:
    parts = [part for part in text.split("-")[0].split(".")[:2] if part.isdigit()]
    return tuple(int(part) for part in parts)


async def money(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    """Whether the shop's currency and tax rates have their counterparts in the settings."""
    code = await client.currency()
    known = code == settings.balance.currency or code in settings.balance.currencies
    fix = f'write the uid of {code} in Balance: [balance.currencies] {code} = "…"'
    found = Finding("currency", known, code, "" if known else fix, ("orders", "refunds"))
    return [found, *await _taxes(client, settings, name)]


async def _taxes(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    rules, taxes = await client.tax_settings(), await client.tax_rates()
    mapped = settings.shops[name].orders.vat_rates
    rates = {f"{rate.percent.normalize():f}" for rate in taxes}
    unmapped = ", ".join(sorted(rates - set(mapped)))
    included = "prices include tax" if rules.prices_include_tax else "prices without tax"
    told = f"{', '.join(sorted(rates)) or 'no'} % · {included}"
    fix = f"say which VAT rate of Balance {unmapped} % is: shops.{name}.orders.vat-rates" if unmapped else ""
    return [Finding("tax rates", not unmapped, told, fix, ("orders", "refunds"))]


async def decimals(client: WooCommerce) -> list[Finding]:
    """Whether prices have the two decimals that documents are written with."""
    try:
        count = await client.setting("general", "woocommerce_price_num_decimals")
    except Rejected:  # not every version lists it
        return []
    menu = "WooCommerce → Settings → General → Number of decimals: 2"
    return [] if count == "2" else [Finding("decimals of prices", None, f"{count}: documents are in tetri", menu)]


async def doubles(client: WooCommerce) -> list[Finding]:
    """SKUs that several products have: none of them is touched until one changes. Variations are not looked at."""
    by_sku: dict[str, list[int]] = defaultdict(list)
    async for id_, sku in client.skus():
        by_sku[sku.strip().casefold()].append(id_)
    found = {sku: ids for sku, ids in by_sku.items() if len(ids) > 1}
    if not found:
        return [Finding("SKUs", True, f"{len(by_sku)}, each once")]
    named = "; ".join(f"{sku} ({_ids(ids)})" for sku, ids in sorted(found.items())[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    menu = "Products → All products: give each its own SKU; until then they are left alone"
    return [Finding("SKUs", None, f"{len(found)} are shared by several products: {named}{more}", menu)]


def _ids(ids: Collection[int]) -> str:
    return ", ".join(f"#{id_}" for id_ in ids)


async def everything(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    """All of it but webhooks; what the key may not read is named, and does not hide the rest."""
    probe, found = await key(client)
    found = [*version(probe), *found]
    if not probe.may_read:
        return found
    looks: tuple[tuple[str, Callable[[], Awaitable[list[Finding]]]], ...] = (
        ("currency and taxes", lambda: money(client, settings, name)),
        ("decimals of prices", lambda: decimals(client)),
        ("SKUs", lambda: doubles(client)),
    )
    for what, look in looks:
        try:
            found += await look()
        except UpstreamError as error:
            found.append(Finding(what, None, "could not be looked at", error.message))
    return found
