"""The Balance warehouses that a shop sells from, named in the settings by uid or by exact name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from contracts.balance import StockRow
from contracts.model import Part, Uid
from services.engine.state.records import Kind, State


class Warehouse(Part):
    """A warehouse that a stock reading has named."""

    uid: Uid
    name: str | None = None


WAREHOUSE = Kind("warehouse", Warehouse)


class UnknownWarehouse(Exception):
    """The settings name a warehouse that no stock reading has named, or that two share."""

    def __init__(self, entry: str, detail: str) -> None:
        super().__init__(detail)
        self.entry, self.detail = entry, detail


def remember(rows: Iterable[StockRow], state: State) -> Iterator[str]:
    """Note the warehouses of a stock reading; gives the names that were not known before."""
    named = {row.warehouse: row.warehouse_name for row in rows if row.warehouse_name}
    known = state.get_many(WAREHOUSE, named)
    for uid, name in named.items():
        found = Warehouse(uid=uid, name=name)
        if known.get(uid) != found:
            state.put(WAREHOUSE, uid, found, ref=name)
            yield name


def chosen(entries: Iterable[str], state: State) -> tuple[Warehouse, ...]:
    """The warehouses of `shops.<shop>.stock.warehouses`, each once. Raises `UnknownWarehouse`.

    A uid is taken at its word, since an empty warehouse stands in no reading; a name must have been read somewhere.
    """
    found = [_by_uid(entry, state) or _by_name(entry, state) for entry in entries]
    return tuple({warehouse.uid: warehouse for warehouse in found}.values())


def pool(entries: Iterable[str], state: State) -> frozenset[str]:
    """The uids of those entries that are known, for telling whether two shops sell from one pool."""
    found = set()
    for entry in entries:
        by_uid = _by_uid(entry, state)
        found |= {by_uid.uid} if by_uid else set(state.find(WAREHOUSE, entry))
    return frozenset(found)


def _by_uid(entry: str, state: State) -> Warehouse | None:
    try:
        uid = str(UUID(entry))
    except ValueError:
        return None
    return state.get(WAREHOUSE, uid) or Warehouse(uid=uid)


def _by_name(entry: str, state: State) -> Warehouse:
    match list(state.find(WAREHOUSE, entry).values()):
        case [warehouse]:
            return warehouse
        case []:
            raise UnknownWarehouse(
                entry,
                f"no stock reading names a warehouse {entry!r}; write its exact name or its uid in stock.warehouses "
                "(the uid also while it is empty: Balance states no rows for an empty warehouse)",
            )
        case several:
            uids = ", ".join(warehouse.uid for warehouse in several)
            raise UnknownWarehouse(entry, f"{len(several)} warehouses are named {entry!r}: {uids}; write the uid")
