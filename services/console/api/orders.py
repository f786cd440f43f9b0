"""Orders: a filtered list, and everything about one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.model import Instant, Money, ShopId
from services.console.api.callers import FigureReader, reveal_people
from services.console.api.context import context_of
from services.console.api.lists import reply_content, reply_page
from services.console.api.order_resources import OrderDetailAnswer, OrderPage, order_content
from services.console.api.parameters import ListParameters, NumberPath, Parameters, ShopPath, Word
from services.console.api.routes import ApiRoute
from services.console.model.order_states import StateName
from services.console.queries.order_detail import read_order
from services.console.queries.orders import OrderFilter, search_orders
from services.console.queries.page import ResultPage

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=ApiRoute)
PeopleFlag = Annotated[
    bool, Field(description="Buyers unmasked: needs the scope `people`, and is written into the audit log.")
]


class OrderListParameters(ListParameters):
    """Filters of the list of orders. `since` is included, `until` is not; both compare when the order was placed."""

    shop: ShopId | None = None
    state: Annotated[tuple[StateName, ...], Field(max_length=20, description="any of these states")] = ()
    status: Word = ""
    payment_method: Word = ""
    text: Annotated[
        Word, Field(description="a number, SKU, document number or reference; with people also a buyer")
    ] = ""
    since: Instant | None = None
    until: Instant | None = None
    total: Money | None = None
    differs: Annotated[bool, Field(description="only orders whose books differ from the shop")] = False
    has_dead_letter: Annotated[bool, Field(description="only orders with an open dead letter")] = False
    person_ref: Word = ""
    people: PeopleFlag = False

    @model_validator(mode="after")
    def _in_order(self) -> OrderListParameters:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def as_filter(self) -> OrderFilter:
        """The filter of the query."""
        return OrderFilter(
            shop=self.shop or "",
            states=self.state,
            status=self.status,
            payment_method=self.payment_method,
            text=self.text,
            people=self.people,
            since=self.since,
            until=self.until,
            total=self.total,
            differs=self.differs,
            has_dead_letter=self.has_dead_letter,
            person_ref=self.person_ref,
        )


class OrderParameters(Parameters):
    """Parameters of one order."""

    people: PeopleFlag = False
    until: Annotated[Instant | None, Field(description="the history up to this moment")] = None


@router.get("", response_model=OrderPage, summary="List orders")
async def list_orders(
    request: Request, caller: FigureReader, wanted: Annotated[OrderListParameters, Query()]
) -> Response:
    """The orders that all filters match, newest first."""
    if wanted.people:
        await reveal_people(context_of(request), caller, "orders")

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[Any]:
        return await search_orders(connection, wanted.as_filter(), after, wanted.limit)

    return await reply_page(request, wanted, OrderPage, "orders", read)


@router.get("/{shop}/{order_id}", response_model=OrderDetailAnswer, summary="Read an order")
async def show_order(
    request: Request,
    caller: FigureReader,
    shop: ShopPath,
    order_id: NumberPath,
    wanted: Annotated[OrderParameters, Query()],
) -> Response:
    """Everything about one order: the shop's lines beside the documents', refunds, history, open dead letters."""
    context = context_of(request)
    if wanted.people:
        await reveal_people(context, caller, f"{shop}:{order_id}")

    async def read(connection: AsyncConnection) -> dict[str, Any] | None:
        found = await read_order(connection, shop, order_id, people=wanted.people, until=wanted.until)
        return order_content(found) if found else None

    return await reply_content(request, OrderDetailAnswer, read)
