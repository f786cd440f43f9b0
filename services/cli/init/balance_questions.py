"""Questions of `davtari init` about Balance: connection, warehouses, price types, currency, groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from services.accounting.checks.balance import LOOKED_AT, check_rights
from services.accounting.checks.findings import Finding
from services.cli.init.interview import Interview, confirm, say, show_choices
from services.cli.init.settings_template import SettingValue
from services.cli.screen import compose, console, format_mark, report_unreadable
from services.connectors.balance import items
from services.connectors.balance import items as item_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.fields import RowInvalid
from services.connectors.balance.prices import read_price_row
from services.connectors.balance.stocks import Warehouse
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import SettingsError
from services.settings.balance import BalanceSettings
from services.settings.base import is_unencrypted


@dataclass(slots=True)
class PriceType:
    """A price type in use: one item and its price as example, the number of prices, and their currencies."""

    uid: str
    item: str
    price: Decimal
    count: int = 0
    currencies: Counter[str] = field(default_factory=Counter)
    example: str = ""

    @property
    def shown(self) -> str:
        """An example: an item with its price."""
        return f"{self.example or self.item}: {self.price:f}"


async def read_price_types(client: Balance, settings: BalanceSettings) -> list[PriceType]:
    """Read the price types in use, the most frequent first, without unreadable rows. Raises `UpstreamError`."""
    found: dict[str, PriceType] = {}
    count = 0
    async with aclosing(client.current_prices()) as rows:
        async for row in rows:
            try:
                item, price = read_price_row(row)
            except RowInvalid:
                continue
            seen = found.setdefault(price.price_type, PriceType(price.price_type, item, price.price))
            seen.count += 1
            seen.currencies.update([price.currency] if price.currency else [])
            count += 1
            if count >= LOOKED_AT:
                break
    types = sorted(found.values(), key=lambda one: -one.count)
    for one in types:
        one.example = await _read_item_name(client, settings, one.item)
    return types


async def _read_item_name(client: Balance, settings: BalanceSettings, uid: str) -> str:
    """Read the SKU and name of an item; empty if Balance has none."""
    row = await client.item(uid)
    if row is None:
        return ""
    try:
        item = item_rows.read_item(row, settings.dialect)
    except RowInvalid:
        return ""
    return " ".join(filter(None, [item.sku, item.name]))


def list_unnamed_currencies(types: Iterable[PriceType], code: str) -> list[str]:
    """The currencies other than `code` that prices use, the most frequent first: uids, usually of `code` itself."""
    total: Counter[str] = Counter()
    for one in types:
        total.update(one.currencies)
    return [currency for currency, _ in total.most_common() if currency.casefold() != code.casefold()]


PASSWORD_FILE = "secrets/balance-password"


@dataclass(frozen=True, slots=True)
class BalanceConnection:
    """The connection to Balance. `answers`: whether it was tested successfully."""

    values: dict[str, SettingValue]
    settings: BalanceSettings
    password: SecretStr
    answers: bool

    def open(self) -> Balance:
        """Open a client."""
        return Balance(self.settings, self.password)


@dataclass(frozen=True, slots=True)
class CatalogueFolder:
    """A group of the catalogue. `path` has the names from the root."""

    uid: str
    path: str
    depth: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


async def ask_balance_connection(ask: Interview, folder: Path) -> BalanceConnection:
    """Ask for the connection until it works, or until the person continues without it."""
    while True:
        found = await _test(*_ask_access(ask, folder))
        if found.answers or not confirm("Try again with other answers?"):
            return found


def _ask_access(ask: Interview, folder: Path) -> tuple[dict[str, SettingValue], SecretStr]:
    transport = ask.one_of("balance.transport", "Where Balance runs", ("cloud", "on-prem"), "cloud")
    values: dict[str, SettingValue] = {"transport": transport}
    if transport == "cloud":
        question = "Application id (number of the cloud division)"
        values["application-id"] = ask.text("balance.application-id", question, wrong=_check_digits)
    else:
        question = "Address, such as http://server/Balance_Exchange/hs/Exchange"
        values["url"] = url = ask.address("balance.url", question)
        if is_unencrypted(url):
            values["allow-http"] = True
    values["user-name"] = ask.text("balance.user-name", "User name in Balance")
    password = ask.secret("Password", folder / PASSWORD_FILE)
    profiles = ("storera", "vendoo", "b2c")
    values["profile"] = ask.one_of("balance.profile", "Integration profile in Balance", profiles, "b2c")
    return {**values, "password-file": PASSWORD_FILE}, password


def _check_digits(text: str) -> str:
    return "" if text.isascii() and text.isdigit() else "Enter digits only, such as 1234."


async def _test(values: dict[str, SettingValue], password: SecretStr) -> BalanceConnection:
    settings = BalanceSettings.model_validate({**values, "password-file": Path(PASSWORD_FILE)})
    found = BalanceConnection(values, settings, password, answers=False)
    try:
        with console.print_status("Connecting to Balance…"):
            async with found.open() as client:
                findings = await check_rights(client, settings)
    except (UpstreamError, SettingsError) as error:
        say(f"  Balance: {error}", style="red")
        return found
    show_findings(findings)
    return BalanceConnection(values, settings, password, answers=any(one.ok for one in findings))


def show_findings(findings: Sequence[Finding]) -> None:
    """Print findings in the same form as `davtari check`."""
    for one in findings:
        console.print(compose("  ", format_mark(one.ok), f" {one.what}   {one.message}"), soft_wrap=True)
        if one.fix and one.ok is not True:
            say(f"      {one.fix}", style="cyan")


async def ask_warehouses(ask: Interview, client: Balance) -> tuple[dict[str, SettingValue], dict[str, SettingValue]]:
    """Ask for the warehouses. Returns values for `stock` and `orders`. Raises `UpstreamError`."""
    listed = await client.warehouses()
    report_unreadable(listed.unreadable)
    there: list[Warehouse] = [one for one in listed.records if not one.deleted]
    if not there:
        return {}, {}
    names, uids = [one.name for one in there], [one.uid for one in there]
    show_choices("Warehouses in Balance:", names)
    sold = ask.choose_many(
        "stock.warehouses", "Warehouses whose stock the shop sells (numbers; empty: decide later)", names
    )
    stock: dict[str, SettingValue] = {}
    if sold:
        stock = {"policy": "single" if len(sold) == 1 else "aggregate", "warehouses": sold}
    first = [uids[names.index(sold[0])]] if sold else []
    taken = ask.choose("orders.warehouse", "Warehouse for Sales (number; empty: decide later)", uids, first)
    return stock, {} if taken is None else {"warehouse": taken}


async def ask_prices(
    ask: Interview, client: Balance, settings: BalanceSettings
) -> tuple[dict[str, SettingValue], dict[str, SettingValue]]:
    """Ask for price types and their currency. Returns values for `prices` and `balance`. Raises `UpstreamError`."""
    types = await read_price_types(client, settings)
    if not types:
        return {}, {}
    uids = [one.uid for one in types]
    show_choices("Price types in use:", [f"{one.uid}   {one.count:,} prices, such as {one.shown}" for one in types])
    regular = ask.choose("prices.regular-type", "Price type of the regular price", uids, uids if len(uids) == 1 else ())
    sale = None
    if len(uids) > 1:
        sale = ask.choose("prices.sale-type", "Price type of the sale price (empty: none)", uids)
    chosen: dict[str, SettingValue] = {
        key: uid for key, uid in (("regular-type", regular), ("sale-type", sale)) if uid is not None
    }
    return chosen, ask_currency(ask, [one for one in types if one.uid in (regular, sale)] or types, settings.currency)


def ask_currency(ask: Interview, types: Sequence[PriceType], code: str) -> dict[str, SettingValue]:
    """Ask which uid means the currency of the books; without it, every price would be refused."""
    uids = list_unnamed_currencies(types, code)
    if not uids:
        return {}
    examples = {uid: next(one for one in types if uid in one.currencies) for uid in uids}
    show_choices("Currencies of these prices:", [f"{uid}   such as {examples[uid].shown}" for uid in uids])
    question = f"Which of them is {code} (empty: none)"
    found = ask.choose("balance.currency", question, uids, uids if len(uids) == 1 else ())
    return {"currencies": {code: found}} if found else {}


async def read_folders(client: Balance, settings: BalanceSettings) -> list[CatalogueFolder]:
    """Read the groups of the catalogue, sorted by path. Raises `UpstreamError`."""
    names: dict[str, tuple[str, str | None]] = {}
    async with aclosing(client.items()) as rows:
        async for row in rows:
            if items.is_folder(row):
                try:
                    folder = items.read_item(row, settings.dialect)
                except RowInvalid:
                    continue
                names[folder.uid] = (folder.name, folder.group)
    found = [CatalogueFolder(uid, "/".join(path), len(path)) for uid in names if (path := _path(uid, names))]
    return sorted(found, key=lambda group: group.path)


def _path(uid: str | None, names: dict[str, tuple[str, str | None]]) -> list[str]:
    path: list[str] = []
    while uid in names and len(path) < 20:
        name, uid = names[uid]
        path.insert(0, name)
    return path
