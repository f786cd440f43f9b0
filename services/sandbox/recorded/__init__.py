"""What a real WooCommerce 9.9.5 computed and answered: orders with their refunds, the catalogue, settings.

Figures are WooCommerce's own; nothing was calculated afterwards. Callers get fresh copies.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Document = dict[str, Any]
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recording:
    """One recorded order: the store's tax settings, the order and its refunds at the end, and how it was made.

    `before_delete` holds the order and refunds as they were before a refund was deleted, if one was.
    """

    config: Document
    order: Document
    refunds: list[Document]
    notes: str
    before_delete: Document | None = None

    def all_refunds(self) -> dict[int, Document]:
        """Every refund that the order ever had, by id."""
        earlier = self.before_delete["refunds"] if self.before_delete else []
        return {refund["id"]: refund for refund in [*earlier, *self.refunds]}

    def status_with(self, refund_ids: set[int]) -> str | None:
        """The order's recorded status once exactly these refunds exist; None when no recording has them all."""
        at_the_end: Document = {"order": self.order, "refunds": self.refunds}
        for snapshot in (self.before_delete, at_the_end):
            if snapshot and {refund["id"] for refund in snapshot["refunds"]} == refund_ids:
                return str(snapshot["order"]["status"])
        return None


def list_order_ids() -> list[int]:
    """The recorded orders' ids, in the order of recording."""
    return list(_read_recordings())


def get_recording(order_id: int) -> Recording:
    """A fresh copy of one recording; KeyError when that order was not recorded."""
    return deepcopy(_read_recordings()[order_id])


def get_catalogue() -> Document:
    """`{"products": [...], "variations": {"<parent id>": [...]}, ...}` as REST gave them, without `_links`."""
    return deepcopy(_read_packed("catalogue.json.gz"))


def get_store() -> Document:
    """Recorded answers about the store itself: settings, taxes, tax_classes, currency."""
    return deepcopy(_read_packed("store.json.gz"))


@cache
def _read_recordings() -> Mapping[int, Recording]:
    with gzip.open(FOLDER / "orders.jsonl.gz", "rt", encoding="utf-8") as lines:
        made = (Recording(**json.loads(line)) for line in lines)
        return {one.order["id"]: one for one in made}


@cache
def _read_packed(name: str) -> Document:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as packed:
        read: Document = json.load(packed)
    return read
