"""A catalogue of Balance of any size, the same in every run."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

FOLDER = str(uuid5(NAMESPACE_URL, "folder"))


def item_uid(number: int) -> str:
    """The uid of an item; uids come in no order, as GUIDs do."""
    return str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + 7) % (1 << 128)))


def row(number: int) -> dict[str, object]:
    """An item as Balance states it."""
    return {
        "uid": item_uid(number),
        "IsGroup": False,
        "Group": FOLDER,
        "Code": f"{number:09}",
        "InternalArticle": f"SKU-{number:07}",
        "Name": f"ჩაი შავი, ნიმუში {number}",
        "FullName": f"ჩაი შავი, ნიმუში {number}, 100 გ",
        "ItemType": "საქონელი",
        "Unit": "ცალი",
        "Barcode": f"4860{number:09}",
        "Weight": 0.1,
        "VATRate": "18%",
        "InventoriesAccount": "1610",
        "ExpensesAccount": "7110",
        "RevenuesAccount": "6110",
        "VATPayableAccount": "3330",
        "ExtCode": "",
    }


def catalogue(count: int) -> bytes:
    """One JSON array, as a Balance without paging answers."""
    folder = {"uid": FOLDER, "IsGroup": True, "Group": "", "Name": "ჩაი"}
    return b"[" + b",".join(orjson.dumps(each) for each in [folder, *map(row, range(count))]) + b"]"
