"""A Balance in memory for the deliveries' tests: Sales, credit notes and clients, and what may go wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from contracts.money import vat_in
from services.connectors.balance.clients import ClientRef, read_client

Json = dict[str, Any]
ResultT = TypeVar("ResultT")


class Killed(BaseException):
    """The process died at this point."""


@dataclass
class FakeBooks:
    """Keeps documents by uid. `calls` lists what was asked of it.

    `fail_before` and `fail_after` (by number of the call, from 1) raise before or after the call took effect;
    `change` is applied to a document as it is stored.
    """

    sales: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    receipts: dict[str, Json] = field(default_factory=dict)
    sales_orders: dict[str, Json] = field(default_factory=dict)
    clients: dict[str, Json] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fail_before: Mapping[int, BaseException] = field(default_factory=dict)
    fail_after: Mapping[int, BaseException] = field(default_factory=dict)
    change: Callable[[Json], Json] = lambda document: document
    own_uid: str | None = None

    async def sale(self, uid: str) -> Json | None:
        return self._call("GET Sale", lambda: self.sales.get(uid))

    async def put_sale(self, document: Mapping[str, Any]) -> Json | None:
        return self._call("PUT Sale", lambda: self._keep(self.sales, document))

    async def sales_order(self, uid: str) -> Json | None:
        return self._call("GET SalesOrders", lambda: self.sales_orders.get(uid))

    async def put_sales_order(self, document: Mapping[str, Any]) -> Json | None:
        return self._call("PUT SalesOrders", lambda: self._keep(self.sales_orders, document))

    async def credit_note(self, uid: str) -> Json | None:
        return self._call("GET SalesCredit", lambda: self.notes.get(uid))

    async def put_credit_note(self, document: Mapping[str, Any]) -> Json | None:
        return self._call("PUT SalesCredit", lambda: self._keep(self.notes, document))

    async def receipt(self, resource: str, uid: str) -> Json | None:
        return self._call(f"GET {resource}", lambda: self.receipts.get(uid))

    async def put_receipt(self, resource: str, document: Mapping[str, Any]) -> Json | None:
        return self._call(f"PUT {resource}", lambda: self._keep(self.receipts, document))

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None:
        return self._call("GET Clients", lambda: self._by_number(personal_or_company_id))

    async def put_client(self, document: Mapping[str, Any]) -> Json | None:
        return self._call("PUT Clients", lambda: self._keep(self.clients, document))

    async def every_client(self) -> AsyncIterator[ClientRef]:
        for row in self._call("GET all Clients", lambda: list(self.clients.values())):
            yield read_client(row)

    def _call(self, name: str, effect: Callable[[], ResultT]) -> ResultT:
        self.calls.append(name)
        if error := self.fail_before.get(len(self.calls)):
            raise error
        result = effect()
        if error := self.fail_after.get(len(self.calls)):
            raise error
        return result

    def _keep(self, register: dict[str, Json], document: Mapping[str, Any]) -> Json:
        stored = self.change(_computed(dict(document), f"{len(register) + 1:07}"))
        uid = stored["uid"] if self.own_uid is None else self.own_uid
        register[uid] = stored | {"uid": uid}
        return {"uid": uid}

    def _by_number(self, number: str) -> ClientRef | None:
        found = [row["uid"] for row in self.clients.values() if row["ID"] == number]
        return read_client(self.clients[min(found)]) if found else None

    def puts(self, resource: str) -> int:
        """How often documents of a kind were written."""
        return self.calls.count(f"PUT {resource}")


def _computed(document: Json, number: str) -> Json:
    rows = document.get("Items", [])
    lines = [row | _added(position, row) for position, row in enumerate(rows, start=1)]
    return document | {"Number": number, "Items": lines}


def _added(position: int, row: Json) -> Json:
    regular = row.get("VATRate", row.get("VATrate")) == "ჩვეულებრივი"
    vat = vat_in(Decimal(row["Amount"]), Decimal(18 if regular else 0))
    return {"uid": f"55555555-0000-4000-8000-{position:012d}", "VAT": str(vat)}
