"""Items: goods, services and folders."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from services.sandbox.balance.record import ZERO, Row

GOODS = "საქონელი"
SERVICE = "მომსახურება"

DEFAULTS: Row = {
    "uid": "",
    "Code": "",
    "Name": "",
    "FullName": "",
    "Group": ZERO,
    "IsGroup": False,
    "InternalArticle": "",
    "Barcode": "",
    "Unit": "ცალი",
    "ItemType": GOODS,
    "Weight": "",
    "VATRate": "ჩვეულებრივი",
    "VATArticle": "",
    "InventoriesAccount": "1610",
    "ExpensesAccount": "7110",
    "RevenuesAccount": "6110",
    "VATPayableAccount": "3330",
    "CostsAccount": "7110",
    "ProductionAccount": "",
    "ImportTaxRate": "",
    "OwnProduction": False,
    "LoadingPerVehicle": "",
    "UnitCost": "",
    "Price": "",
    "ExtCode": "",
    "Packages": [],
    "AdditionalRequisites1": "",
    "AdditionalRequisites2": "",
    "AdditionalRequisites3": "",
}
SERVICE_DEFAULTS: Row = DEFAULTS | {"ItemType": SERVICE, "Unit": "მომსახურება", "InventoriesAccount": ""}
FOLDER_DEFAULTS: Row = DEFAULTS | {
    "IsGroup": True, "Unit": "", "ItemType": "", "VATRate": "", "InventoriesAccount": "", "ExpensesAccount": "",
    "RevenuesAccount": "", "VATPayableAccount": "", "CostsAccount": "",
}  # fmt: skip
NUMBERS = frozenset({"Weight", "UnitCost", "Price", "LoadingPerVehicle"})
FLAGS = frozenset({"IsGroup", "OwnProduction"})
TEXT_KEYS = ("Code", "InternalArticle", "Barcode", "ExtCode", "Name")


class SandboxItems:
    """Items by uid. Only what differs from the defaults is held, so that hundreds of thousands fit."""

    def __init__(self) -> None:
        self._own: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._own)

    def __contains__(self, uid: str) -> bool:
        return uid in self._own

    def put(self, uid: str, fields: Row) -> Row:
        """Adds an item, or changes the named fields of one. Raises ValueError for a field that items do not have."""
        unknown = fields.keys() - DEFAULTS.keys()
        if unknown:
            raise ValueError(f"Items have no field {', '.join(sorted(unknown))}; they have {', '.join(DEFAULTS)}")
        own = {name: parse_field(name, value) for name, value in fields.items()}
        self._own[uid] = self._own.get(uid, {}) | own | {"uid": uid}
        return complete_row(self._own[uid])

    def get(self, uid: str) -> Row | None:
        """One item with all its fields."""
        own = self._own.get(uid)
        return None if own is None else complete_row(own)

    def delete(self, uid: str) -> None:
        """Removes an item. Raises KeyError for an unknown uid."""
        del self._own[uid]

    def rows(self) -> Iterator[Row]:
        """Every item and folder, in the order of their making."""
        return (complete_row(own) for own in list(self._own.values()))

    def is_goods(self, uid: str) -> bool:
        """Whether stock is kept of it."""
        return uid in self._own and complete_row(self._own[uid])["ItemType"] == GOODS

    def named(self, text: str) -> str | None:
        """The uid of the one item with this code, article, barcode, external code or name; None if none or several."""
        fitting = {uid for uid, own in self._own.items() if any(own.get(key) == text for key in TEXT_KEYS)}
        return fitting.pop() if len(fitting) == 1 else None


def complete_row(own: Row) -> Row:
    """An item's row: its own fields over the defaults of its kind, FullName from Name."""
    if own.get("IsGroup"):
        defaults = FOLDER_DEFAULTS
    else:
        defaults = SERVICE_DEFAULTS if own.get("ItemType") == SERVICE else DEFAULTS
    row = defaults | own
    row["FullName"] = row["FullName"] or row["Name"]
    return row


def parse_field(name: str, value: Any) -> Any:
    """A field's value as a row holds it, from JSON. Raises ValueError for a number that is none."""
    if name in NUMBERS and value != "":
        return parse_number(value)
    return str(value).lower() == "true" if name in FLAGS else value


def parse_number(value: Any) -> Decimal:
    """An exact number from JSON text or a whole JSON number; ValueError else."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is no number") from None
