"""`davtari learn-sale`: proposes settings from a Sale that was entered by hand in Balance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

import typer

from services.accounting.documents.figures import number
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.screen import build_table, console, errors, print_json
from services.connectors.balance.client import Balance
from services.connectors.balance.documents import StoredLine, read_stored_document
from services.connectors.balance.fields import reference, tabular, text
from services.connectors.balance.writing import wire_name
from services.settings.model import Settings
from services.settings.orders import OrderSettings

FIELDS = (
    ("VATTaxable", "balance.dialect.lists", "vat_taxable"),
    ("OperationType", "balance.dialect.lists", "sale_operation"),
    ("VATArticle", "balance.dialect.lists", "sale_vat_article"),
    ("ReceivablesAccount", "balance.template", "receivables_account"),
    ("RevenueAccount", "balance.template", "revenue_account"),
    ("Department", "balance.template", "department"),
    ("Branch", "balance.template", "branch"),
    ("Agreement", "balance.template", "agreement"),
    ("CashRegister", "balance.template", "cash_register"),
    ("Warehouse", "shops.{shop}.orders", "warehouse"),
    ("Client", "shops.{shop}.orders", "retail_client"),
)
"""A field of the Sale, and the table and key of its setting."""
RATES = (Decimal(0), Decimal(5), Decimal(12), Decimal(18), Decimal(20))
"""Possible VAT rates of a line, percent. Amounts in tetri do not distinguish fractions."""


@dataclass(frozen=True, slots=True)
class LearnedSetting:
    """A setting: its value in the Sale and now. `remark` states what a person must decide."""

    table: str
    key: str
    found: str
    now: str | None
    remark: str = ""

    @property
    def differs(self) -> bool:
        """Whether the Sale and the setting differ."""
        return self.found != self.now


def learn_settings(row: Mapping[str, Any], settings: Settings, shop: str) -> list[LearnedSetting]:
    """The settings for the fields that the Sale fills; empty fields are skipped.

    Raises `RowInvalid` for a Sale that cannot be read.
    """
    dialect = settings.balance.dialect
    header = [_learn_field(row, settings, shop, *field) for field in FIELDS]
    lines = read_stored_document(row, dialect.sale_resource, dialect).lines
    accounts = _revenue_account(row, settings)
    return [one for one in (*header, accounts) if one] + _vat_rates(lines, settings.shops[shop].orders, shop)


def _learn_field(
    row: Mapping[str, Any], settings: Settings, shop: str, field: str, table: str, key: str
) -> LearnedSetting | None:
    dialect = settings.balance.dialect
    renamed = wire_name(field, dialect.sale_resource, dialect)
    found = reference(row, renamed) or reference(row, field)
    if not found:
        return None
    place = table.format(shop=shop)
    remark = "only if this Sale is to an unknown retail buyer" if key == "retail_client" else ""
    return LearnedSetting(place, key.replace("_", "-"), found, _current(settings, place, key), remark)


def _current(settings: Settings, table: str, key: str) -> str | None:
    section: Any = settings
    for part in table.split("."):
        section = section[part] if isinstance(section, dict) else getattr(section, part)
    value = getattr(section, key)
    return None if value is None else str(value)


def _revenue_account(row: Mapping[str, Any], settings: Settings) -> LearnedSetting | None:
    """The revenue account of most lines, if the header has none."""
    if text(row, "RevenueAccount"):
        return None
    lines = tabular(row, "Items")
    named = Counter(found for line in lines if (found := text(line, "IncomeAccount") or text(line, "RevenueAccount")))
    if not named:
        return None
    account = named.most_common(1)[0][0]
    now = settings.balance.template.revenue_account
    return LearnedSetting("balance.template", "revenue-account", account, now, "from the lines")


def _vat_rates(lines: Iterable[StoredLine], orders: OrderSettings, shop: str) -> list[LearnedSetting]:
    """The VAT rates of the lines, by the percentage that explains their VAT."""
    found: dict[str, str] = {}
    for line in lines:
        if line.vat_rate and line.amount and (percent := _percent(line)) is not None:
            found.setdefault(number(percent), line.vat_rate)
    table = f"shops.{shop}.orders.vat-rates"
    return [LearnedSetting(table, percent, rate, orders.vat_rates.get(percent)) for percent, rate in found.items()]


def _percent(line: StoredLine) -> Decimal | None:
    """The only rate that explains the VAT in the amount; None if several do, as for a few tetri."""
    if line.vat is None or line.amount is None:
        return None
    amount, vat = line.amount, line.vat
    matching_rates = [rate for rate in RATES if abs(amount * rate / (100 + rate) - vat) <= Decimal("0.01")]
    return matching_rates[0] if len(matching_rates) == 1 else None


def settings_to_toml(found: Sequence[LearnedSetting]) -> str:
    """The settings as TOML to paste, table by table."""
    tables = dict.fromkeys(one.table for one in found)
    return "\n\n".join(
        "\n".join([f"[{table}]", *_lines(one for one in found if one.table == table)]) for table in tables
    )


def _lines(found: Iterable[LearnedSetting]) -> list[str]:
    return [
        f"{one.key if one.key[0].isalpha() else json.dumps(one.key)} = {json.dumps(one.found, ensure_ascii=False)}"
        + (f"   # {one.remark}" if one.remark else "")
        for one in found
    ]


@command
async def learn_sale_command(
    uid: Annotated[str, typer.Argument(help="The uid of a Sale that was entered by hand in Balance.")],
    shop: Shop = "",
    json: Json = False,
) -> int:
    """Propose settings from a Sale that was entered by hand in Balance. Writes nothing."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        row = await balance.sale(uid)
    if row is None:
        errors.print(f"Balance has no {chosen.balance.dialect.sale_resource} with the uid {uid}")
        return FAILED
    found = learn_settings(row, chosen, name)
    print_json({"settings": [asdict(one) for one in found], "toml": settings_to_toml(found)}) if json else show_learned(
        found
    )
    return 0


def show_learned(found: Sequence[LearnedSetting]) -> None:
    """Print the differences from the current settings, then all values as TOML to paste."""
    different = [
        (f"{one.table}.{one.key}", one.now or "not set", one.found, one.remark) for one in found if one.differs
    ]
    if different:
        console.print(build_table(("setting", "now", "in that Sale", ""), different))
    else:
        console.print("The settings agree with that Sale.")
    console.print()
    console.print_lines(settings_to_toml(found))
