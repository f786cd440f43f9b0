"""`davtari init`, first half: which Balance, may we in, and what of it is sold."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from services.accounting.checks.balance import rights
from services.accounting.checks.finding import Finding
from services.cli.init.interview import Interview, numbered, say, yes
from services.cli.init.prices import PriceType, price_types, unnamed_currencies
from services.cli.init.settings_text import Value
from services.cli.screen import console, format_mark
from services.connectors.balance import items
from services.connectors.balance.client import Balance
from services.connectors.balance.rows import RowInvalid
from services.connectors.balance.warehouses import Warehouse
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import SettingsError
from services.settings.address import address_fault
from services.settings.balance import BalanceSettings

PASSWORD_FILE = "secrets/balance-password"


@dataclass(frozen=True, slots=True)
class Connection:
    """A Balance that has let us in, or that shall be written down all the same."""

    values: dict[str, Value]
    settings: BalanceSettings
    password: SecretStr
    answers: bool

    def open(self) -> Balance:
        """The client."""
        return Balance(self.settings, self.password)


@dataclass(frozen=True, slots=True)
class Group:
    """A folder of the catalogue, by its way from the root."""

    uid: str
    path: str
    depth: int

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition("/")[2]


async def connection(ask: Interview, folder: Path) -> Connection:
    """Ask for the connection until Balance lets us in, or the person wants to go on without."""
    while True:
        found = await _tried(*_asked(ask, folder))
        if found.answers or not yes("Try again with other answers?"):
            return found


def _asked(ask: Interview, folder: Path) -> tuple[dict[str, Value], SecretStr]:
    transport = ask.one_of("balance.transport", "Where does Balance run", ("cloud", "on-prem"), "cloud")
    values: dict[str, Value] = {"transport": transport}
    if transport == "cloud":
        question = "Application id (the number of the cloud division)"
        values["application-id"] = ask.text("balance.application-id", question, wrong=_digits)
    else:
        question = "Address, such as http://server/Balance_Exchange/hs/Exchange"
        values["url"] = ask.text("balance.url", question, wrong=address_fault)
    values["user-name"] = ask.text("balance.user-name", "User name in Balance")
    password = ask.secret("Password", folder / PASSWORD_FILE)
    profiles = ("storera", "vendoo", "b2c")
    values["profile"] = ask.one_of("balance.profile", "Integration profile in Balance", profiles, "b2c")
    return {**values, "password-file": PASSWORD_FILE}, password


def _digits(text: str) -> str:
    return "" if text.isascii() and text.isdigit() else "digits only, such as 1234"


async def _tried(values: dict[str, Value], password: SecretStr) -> Connection:
    settings = BalanceSettings.model_validate({**values, "password-file": Path(PASSWORD_FILE)})
    found = Connection(values, settings, password, answers=False)
    try:
        with console.status("asking Balance…"):
            async with found.open() as client:
                findings = await rights(client, settings)
    except (UpstreamError, SettingsError) as error:
        say(f"  Balance: {error}", style="red")
        return found
    told(findings)
    return Connection(values, settings, password, answers=any(one.ok for one in findings))


def told(findings: Sequence[Finding]) -> None:
    """Show what was found, in the manner of `davtari check`."""
    for one in findings:
        console.print(f"  {format_mark(one.ok)} ", end="")
        say(f"{one.what}   {one.told}")
        if one.fix and one.ok is not True:
            say(f"      {one.fix}", style="cyan")


async def warehouses(ask: Interview, client: Balance) -> tuple[dict[str, Value], dict[str, Value]]:
    """Which warehouses are sold from: values for `stock` and for `orders`. Raises `UpstreamError`."""
    there: list[Warehouse] = [one for one in await client.warehouses() if not one.deleted]
    if not there:
        return {}, {}
    names, uids = [one.name for one in there], [one.uid for one in there]
    numbered("Warehouses in Balance:", names)
    sold = ask.choose_many("stock.warehouses", "Whose stock does the shop sell (numbers; nothing: decide later)", names)
    stock: dict[str, Value] = {}
    if sold:
        stock = {"policy": "single" if len(sold) == 1 else "aggregate", "warehouses": sold}
    first = [uids[names.index(sold[0])]] if sold else []
    taken = ask.choose("orders.warehouse", "From which one do Sales take the goods", uids, first)
    return stock, {} if taken is None else {"warehouse": taken}


async def prices(
    ask: Interview, client: Balance, settings: BalanceSettings
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Which price types are the regular and the sale price, and what their currency is called in Balance: values for
    `prices` and for `balance`. Raises `UpstreamError`."""
    types = await price_types(client, settings)
    if not types:
        return {}, {}
    uids = [one.uid for one in types]
    numbered("Price types in use:", [f"{one.uid}   {one.count:,} prices, such as {one.shown}" for one in types])
    regular = ask.choose("prices.regular-type", "The regular price", uids, uids if len(uids) == 1 else ())
    sale = None
    if len(uids) > 1:
        sale = ask.choose("prices.sale-type", "The sale price (nothing: none)", uids)
    chosen: dict[str, Value] = {
        key: uid for key, uid in (("regular-type", regular), ("sale-type", sale)) if uid is not None
    }
    return chosen, currency(ask, [one for one in types if one.uid in (regular, sale)] or types, settings.currency)


def currency(ask: Interview, types: Sequence[PriceType], code: str) -> dict[str, Value]:
    """The uid under which prices name the books' own currency: without it every price would be refused."""
    uids = unnamed_currencies(types, code)
    if not uids:
        return {}
    examples = {uid: next(one for one in types if uid in one.currencies) for uid in uids}
    numbered("Currencies that prices name:", [f"{uid}   such as {examples[uid].shown}" for uid in uids])
    question = f"Which of them is {code} (nothing: none)"
    found = ask.choose("balance.currency", question, uids, uids if len(uids) == 1 else ())
    return {"currencies": {code: found}} if found else {}


async def groups(client: Balance, settings: BalanceSettings) -> list[Group]:
    """The folders of the catalogue in the order of a tree. Raises `UpstreamError`."""
    names: dict[str, tuple[str, str | None]] = {}
    async with aclosing(client.items()) as rows:
        async for row in rows:
            if items.is_folder(row):
                try:
                    folder = items.item(row, settings.dialect)
                except RowInvalid:
                    continue
                names[folder.uid] = (folder.name, folder.group)
    found = [Group(uid, "/".join(path), len(path)) for uid in names if (path := _path(uid, names))]
    return sorted(found, key=lambda group: group.path)


def _path(uid: str | None, names: dict[str, tuple[str, str | None]]) -> list[str]:
    path: list[str] = []
    while uid in names and len(path) < 20:
        name, uid = names[uid]
        path.insert(0, name)
    return path
