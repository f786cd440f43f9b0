"""The approved proposals as a table from which the accountant makes items in Balance.

API fact: no way to write items is known (balance-api 2.1), so Davtari writes none; the columns are named as the fields
of Balance's items. Once an item with that SKU is there, the next import links it to its product.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.cli.plans.shown import safe
from services.cli.proposals.known import Proposal
from services.settings.balance import Dialect


def heads(dialect: Dialect) -> tuple[str, ...]:
    """The columns: the field that holds the SKU is the one of the settings."""
    return dialect.sku_field, "Name", "ItemType", "Price", "ExtCode", "approved by"


def rows(found: Iterable[Proposal], dialect: Dialect) -> Iterator[tuple[str, ...]]:
    """What is approved and not in Balance yet. ExtCode is the id of the shop's product."""
    for one in found:
        if one.state == "approved" and one.approved:
            said, price = one.proposed, one.proposed.regular_price
            goods = next(iter(dialect.lists.goods), "")
            shown = "" if price is None else f"{price:f}"
            yield said.sku, said.name, goods, shown, str(said.product_id), one.approved.asked_by


def write_csv(found: Iterable[Proposal], dialect: Dialect, path: Path) -> int:
    """Write the table; gives how many items stand in it. A byte order mark makes Excel read Georgian."""
    lines = [tuple(map(safe, row)) for row in rows(found, dialect)]
    with path.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows([heads(dialect), *lines])
    return len(lines)
