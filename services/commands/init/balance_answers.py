"""`davtari init`, first half: which Balance, may we in, and what of it is sold."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from contracts.validation import describe
from services.commands.init.asking import ask, choose, choose_many, numbered, one_of, say, secret, yes
from services.commands.init.settings_text import Value
from services.commands.screen import console, mark
from services.shared.balance import items
from services.shared.balance.client import Balance
from services.shared.balance.rows import RowInvalid
from services.shared.balance.warehouses import Warehouse
from services.shared.checks.balance import rights, types_seen
from services.shared.checks.finding import Finding
from services.shared.settings.balance import BalanceSettings
from services.shared.upstream.errors import UpstreamError

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


async def connection() -> Connection:
    """Ask for the connection until Balance lets us in, or the person wants to go on without."""
    while True:
        found = await _tried(_asked())
        if found.answers or not yes("Try again with other answers?"):
            return found


def _asked() -> tuple[dict[str, Value], SecretStr]:
    transport = one_of("Where does Balance run", ("cloud", "on-prem"), "cloud")
    values: dict[str, Value] = {"transport": transport}
    if transport == "cloud":
        values["application-id"] = ask("Application id (the number of the cloud division)", wrong=_four_digits)
    else:
        values["url"] = ask("Address, such as http://server/Balance_Exchange/hs/Exchange", wrong=_address)
    values["user-name"] = ask("User name in Balance")
    password = secret("Password (not shown)")
    values["profile"] = one_of("Integration profile in Balance", ("storera", "vendoo", "b2c"), "b2c")
    return {**values, "password-file": PASSWORD_FILE}, password


def _four_digits(text: str) -> str:
    return "" if text.isascii() and text.isdigit() else "digits only, such as 1234"


def _address(text: str) -> str:
    return "" if text.startswith(("http://", "https://")) else "it begins with http:// or https://"


async def _tried(asked: tuple[dict[str, Value], SecretStr]) -> Connection:
    values, password = asked
    settings = BalanceSettings.model_validate({**values, "password-file": Path(PASSWORD_FILE)})
    found = Connection(values, settings, password, answers=False)
    try:
        with console.status("asking Balance…"):
            async with found.open() as client:
                findings = await rights(client, settings)
    except (UpstreamError, ValidationError) as error:
        say(f"  Balance: {describe(error) if isinstance(error, ValidationError) else error}", style="red")
        return found
    told(findings)
    return Connection(values, settings, password, answers=any(one.ok for one in findings))


def told(findings: Sequence[Finding]) -> None:
    """Show what was found, in the manner of `davtari check`."""
    for one in findings:
        console.print(f"  {mark(one.ok)} ", end="")
        say(f"{one.what}   {one.told}")
        if one.fix and one.ok is not True:
            say(f"      {one.fix}", style="cyan")


async def warehouses(client: Balance) -> tuple[dict[str, Value], dict[str, Value]]:
    """Which warehouses are sold from: values for `stock` and for `orders`. Raises `UpstreamError`."""
    there: list[Warehouse] = [one for one in await client.warehouses() if not one.deleted]
    if not there:
        return {}, {}
    numbered("Warehouses in Balance:", [one.name for one in there])
    sold = choose_many("Whose stock does the shop sell (numbers; nothing: decide later)", len(there))
    stock: dict[str, Value] = {}
    if sold:
        stock = {"policy": "single" if len(sold) == 1 else "aggregate", "warehouses": [there[n].name for n in sold]}
    first = str(sold[0] + 1) if sold else ""
    taken = choose("From which one do Sales take the goods", len(there), first)
    return stock, {} if taken is None else {"warehouse": there[taken].uid}


async def price_types(client: Balance, settings: BalanceSettings) -> dict[str, Value]:
    """Which price types are the regular and the sale price. Raises `UpstreamError`."""
    seen = await types_seen(client, settings)
    if not seen:
        return {}
    uids = list(seen)
    numbered("Price types in use:", [f"{uid}   {seen[uid]} prices" for uid in uids])
    regular = choose("The regular price", len(uids), "1" if len(uids) == 1 else "")
    sale = choose("The sale price (nothing: none)", len(uids)) if len(uids) > 1 else None
    chosen = {"regular-type": regular, "sale-type": sale}
    return {key: uids[number] for key, number in chosen.items() if number is not None}


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
