"""What a shop lets us do, how it is set up, and what the settings still lack for it."""

from __future__ import annotations

from contracts.reasons import Reason
from services.accounting.checks import taxes
from services.accounting.checks.findings import BACK, FLOWS, Finding, live_flows
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.diagnosis import fix_of
from services.connectors.woocommerce.store import AccessProbe, SystemStatus
from services.engine.outbox.upstream_errors import Rejected
from services.settings.model import Settings
from services.settings.shop import ShopSettings

_NEEDED = (
    ("stock.policy", "stock", 'choose "single" (one warehouse) or "aggregate" (several added up)'),
    ("stock.warehouses", "stock", "name the warehouses whose stock is sold, as Balance names them"),
    ("catalogue.groups", "catalogue", "davtari plan groups shows the groups, davtari mapping set maps one"),
    ("orders.warehouse", "orders", "write the uid of the warehouse that Sales take goods from"),
)
"""Without these a live flow cannot work."""
_USEFUL = (
    ("prices.regular_type", "prices", "with several price types in Balance, write the uid of the regular one"),
    ("orders.retail_client", "orders", "orders without a personal id wait for a person until it is set"),
    ("orders.shipping_item", "orders", "orders with shipping wait for a person until it is set"),
    ("orders.fee_item", "orders", "orders with fees wait for a person until it is set"),
)


def check_settings(name: str, shop: ShopSettings) -> list[Finding]:
    """What is not set, without calling the shop: a fault where a live flow cannot work without it, else a note."""
    on = live_flows(shop)
    needed = [
        Finding(_key(name, path), False if flow in on else None, "not set", f"{flow} need it: {fix}", (flow,))
        for path, flow, fix in _NEEDED
        if not _value(shop, path) and not (path == "orders.warehouse" and shop.orders.warehouses)
    ]
    useful = [Finding(_key(name, path), None, "not set", fix) for path, _, fix in _USEFUL if not _value(shop, path)]
    return [*needed, *useful]


def _key(name: str, path: str) -> str:
    return f"shops.{name}.{path.replace('_', '-')}"


def _value(shop: ShopSettings, path: str) -> object:
    section, _, field = path.partition(".")
    return getattr(getattr(shop, section), field)


TESTED = ("9.9.5", "10.5.0")
"""The versions of WooCommerce that the tests have run against."""
WRITES = ("catalogue", "prices", "stock", *BACK)


async def check_key(client: WooCommerce) -> tuple[AccessProbe, list[Finding]]:
    """Whether a WooCommerce answers, and what the key may do there. Raises `UpstreamError` when none does."""
    found = await client.probe()
    prefix = client.discovered_prefix
    fixes = {True: "", False: " · ".join(found.problems)}
    return found, [
        Finding("shop", True, f"{found.name}, {found.time_zone}"),
        Finding("key may read", found.may_read, "", fixes[found.may_read], FLOWS),
        Finding("key may write", found.may_write, "", fixes[found.may_write], WRITES),
        *([_other_prefix(prefix)] if prefix else []),
    ]


def _other_prefix(prefix: str) -> Finding:
    message = f"the REST API is not at /wp-json/ but at /{prefix}/, as the home page names it"
    return Finding("REST prefix", None, message, f'write rest-prefix = "{prefix}" into the settings of this shop')


def check_php_output(client: WooCommerce, name: str) -> list[Finding]:
    """Whether PHP has written warnings or errors into the answers that were read so far."""
    if not client.php_output:
        return []
    return [Finding("PHP output", None, client.php_output, fix_of(Reason.SHOP_PHP_OUTPUT, name))]


async def check_version(client: WooCommerce) -> list[Finding]:
    """Which WooCommerce it is, and where it keeps its orders (claim S0.17: either way is fine, we use REST alone)."""
    found, tested = await client.status(), f"tested with {' and '.join(TESTED)}"
    name = found.environment.version
    if not name:
        fix = "a key of a shop manager would show version and order storage"
        return [Finding("WooCommerce", None, f"version hidden from this key; {tested}", fix)]
    message = f"{name}, {_storage(found)}; {tested}"
    if _series(name) in {_series(one) for one in TESTED}:
        return [Finding("WooCommerce", True, message)]
    return [Finding("WooCommerce", None, message, "another version: look at the dry run before a flow goes live")]


def _storage(found: SystemStatus) -> str:
    hpos, mode = found.settings.hpos, ", compatibility mode" if found.settings.hpos_sync else ""
    return {None: "order storage unknown", False: "HPOS off", True: "HPOS on" + mode}[hpos]


def _series(text: str) -> str:
    """The version without its patch level, e.g. 9.9."""
    return ".".join(text.split("-")[0].split(".")[:2])


async def check_money(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    """Whether the shop's currency and tax rates have their counterparts in the settings."""
    code = await client.currency()
    known = code == settings.balance.currency or code in settings.balance.currencies
    fix = f'write the uid of {code} in Balance: [balance.currencies] {code} = "…"'
    found = Finding("currency", known, code, "" if known else fix, ("orders", "refunds"))
    return [found, *await taxes.summarize_taxes(client, settings, name)]


async def check_decimals(client: WooCommerce) -> list[Finding]:
    """Whether prices have the two decimals that documents are written with."""
    try:
        count = await client.setting("general", "woocommerce_price_num_decimals")
    except Rejected:  # not every version lists it
        return []
    menu = "WooCommerce → Settings → General → Number of decimals: 2"
    return [] if count == "2" else [Finding("decimals of prices", None, f"{count}: documents are in tetri", menu)]
