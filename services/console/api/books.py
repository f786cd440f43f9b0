"""Approvals, today's figures, and the days of a shop."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.api.book_resources import ApprovalsAnswer, DaysAnswer, ShopParameters, TodayAnswer
from services.console.api.callers import FigureReader
from services.console.api.context import context_of
from services.console.api.lists import reply_content
from services.console.api.parameters import Parameters, ShopPath
from services.console.api.routes import ApiRoute
from services.console.queries.approvals import list_approvals
from services.console.queries.days import list_days
from services.console.queries.today import read_today

router = APIRouter(prefix="/v1", tags=["books"], route_class=ApiRoute)
MOST_DAYS = 400
TODAY = tuple(name for name in TodayAnswer.model_fields if name != "as_of")


class DaysParameters(Parameters):
    """The first and the last day, in Tbilisi; at most 400 days."""

    first: date
    last: date

    @model_validator(mode="after")
    def _bounded(self) -> DaysParameters:
        if not timedelta(0) <= self.last - self.first < timedelta(days=MOST_DAYS):
            raise ValueError(f"last must be on or after first, within {MOST_DAYS} days")
        return self


@router.get("/approvals", response_model=ApprovalsAnswer, summary="List what waits for approval")
async def show_approvals(
    request: Request, caller: FigureReader, wanted: Annotated[ShopParameters, Query()]
) -> Response:
    """The shapes of documents with one that waits, and the approvals given so far."""

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        return {"shapes": await list_approvals(connection, wanted.shop or "")}

    return await reply_content(request, ApprovalsAnswer, read)


@router.get("/today", response_model=TodayAnswer, summary="Today at a glance")
async def show_today(request: Request, caller: FigureReader, wanted: Annotated[ShopParameters, Query()]) -> Response:
    """The orders of today by state, the money in the shop and in the books, and what waits for a person."""
    now = context_of(request).clock()

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        found = await read_today(connection, now, wanted.shop or "")
        return {name: getattr(found, name) for name in TODAY}

    return await reply_content(request, TodayAnswer, read)


@router.get("/days/{shop}", response_model=DaysAnswer, summary="List days")
async def show_days(
    request: Request, caller: FigureReader, shop: ShopPath, wanted: Annotated[DaysParameters, Query()]
) -> Response:
    """The days of a shop with their last close."""

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        return {"days": await list_days(connection, shop, wanted.first.isoformat(), wanted.last.isoformat())}

    return await reply_content(request, DaysAnswer, read)
