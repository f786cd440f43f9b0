"""Items of the catalogue, folders among them (Balance facts 27 and 28)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.balance import Accounts, GroupRef, ItemChanged, ItemKind
from services.connectors.balance.fields import (
    FieldInvalid,
    Row,
    deleted,
    flag,
    needed_reference,
    number,
    reading_row,
    reference,
    text,
)
from services.settings.balance import Dialect

ITEMS = "Items"
Path = tuple[GroupRef, ...]
DEEPEST = 50
"""Folders in folders: no real catalogue nests deeper; a longer path is a cycle."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item or folder as Balance states it: `contracts.balance.ItemChanged` without its path from the root.

    `deleted`: it is marked for deletion, if this build shows that.
    """

    uid: str
    kind: ItemKind
    name: str
    sku: str | None
    code: str | None
    article: str | None
    barcode: str | None
    full_name: str | None
    group: str | None
    item_type: str | None
    unit: str | None
    weight: Decimal | None
    vat_rate: str | None
    accounts: Accounts
    ext_code: str | None
    requisites: tuple[str | None, str | None, str | None]
    deleted: bool


def read_item(row: Row, dialect: Dialect) -> ItemRow:
    """The item in a row. Raises `RowInvalid` without uid or name, or for an invalid weight."""
    with reading_row(ITEMS, reference(row, "uid")):
        return ItemRow(
            uid=needed_reference(row, "uid"),
            kind=_kind(row, dialect),
            name=_name(row),
            sku=text(row, dialect.sku_field),
            code=text(row, "Code"),
            article=text(row, "InternalArticle"),
            barcode=text(row, "Barcode"),
            full_name=text(row, "FullName"),
            group=reference(row, "Group"),
            item_type=text(row, "ItemType"),
            unit=text(row, "Unit"),
            weight=number(row, "Weight"),
            vat_rate=text(row, "VATRate"),
            accounts=_accounts(row),
            ext_code=text(row, "ExtCode"),
            requisites=_requisites(row),
            deleted=deleted(row),
        )


def is_folder(row: Row) -> bool:
    """Whether a row is a folder (Balance fact 27: folders are listed among the items)."""
    return flag(row, "IsGroup")


def _kind(row: Row, dialect: Dialect) -> ItemKind:
    if is_folder(row):
        return "folder"
    item_type = text(row, "ItemType")
    if item_type is None:
        return dialect.kind_without_type
    if item_type in dialect.lists.goods:
        return "goods"
    return "service" if item_type in dialect.lists.services else "unknown"


def _name(row: Row) -> str:
    name = text(row, "Name") or text(row, "FullName")
    if name is None:
        raise FieldInvalid("Name", "is empty")
    return name


def _accounts(row: Row) -> Accounts:
    return Accounts(
        inventories=text(row, "InventoriesAccount"),
        expenses=text(row, "ExpensesAccount"),
        revenues=text(row, "RevenuesAccount"),
        vat_payable=text(row, "VATPayableAccount"),
    )


def _requisites(row: Row) -> tuple[str | None, str | None, str | None]:
    return (
        text(row, "AdditionalRequisites1"),
        text(row, "AdditionalRequisites2"),
        text(row, "AdditionalRequisites3"),
    )


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the catalogue: its name and the folder that contains it."""

    name: str
    parent: str | None


def build_item_fact(row: ItemRow, path: Path, now: datetime) -> ItemChanged:
    """Return the fact of an item row, with its path from the root."""
    fields = {name: getattr(row, name) for name in ItemChanged.model_fields if hasattr(row, name)}
    return ItemChanged(**(fields | {"item": row.uid, "path": path, "observed_at": now}))


def path_of(group: str | None, folders: Mapping[str, Folder]) -> Path:
    """Return the folders from the root down to `group`; the path ends at a cycle or a missing folder."""
    path: list[GroupRef] = []
    while group and group in folders and len(path) < DEEPEST and all(step.uid != group for step in path):
        path.append(GroupRef(uid=group, name=folders[group].name))
        group = folders[group].parent
    return tuple(reversed(path))
