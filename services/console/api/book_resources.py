"""Approvals and today's figures as the API shows them."""

from __future__ import annotations

from pydantic import Field

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.closing import DayClosed
from contracts.model import Money, ShopId
from services.console.api.answers import Answer, Resource
from services.console.api.order_resources import OrderResource
from services.console.api.parameters import Parameters


class ShopParameters(Parameters):
    """Only one shop."""

    shop: ShopId | None = None


class ShapeResource(Resource):
    """A shape of documents of a shop: those that wait, and the approvals given so far."""

    shop: str
    shape: str
    waiting: list[ApprovalAsked]
    given: list[ApprovalGiven]


class ApprovalsAnswer(Answer):
    """The shapes with a document that waits, the one that has waited longest first."""

    shapes: list[ShapeResource]


class MoneyResource(Resource):
    """The orders of the day in one currency: what the shop keeps, and what the books hold of them."""

    currency: str
    shop: Money
    books: Money


class TodayAnswer(Answer):
    """The orders placed today in Tbilisi. `typical`: how many on such a day; `differing`: some that differ."""

    date: str
    orders: int
    in_books: int
    in_progress: int
    held: int
    need_person: int
    ended: int
    states: dict[str, int]
    by_hour: list[int]
    typical: float
    money: list[MoneyResource]
    differing: list[OrderResource]
    attention: dict[str, int] = Field(description="open dead letters by who resolves them")
    approvals: int
    untouched: float | None = Field(description="share of the last 30 days' orders that needed no person")


class DaySummaryResource(Resource):
    """A day of a shop: how many orders belong to it, and its last close, null while it is open."""

    date: str
    orders: int
    close: DayClosed | None


class DaysAnswer(Answer):
    """The days that have orders or were closed, oldest first."""

    days: list[DaySummaryResource]
