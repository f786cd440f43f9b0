"""Which status an order may be given in the shop once it is in the books: an allow-list, never backwards (claim S2.12).

What the list may hold is bounded by what a status does in WooCommerce: `refunded` makes a refund of its own
(WooCommerce fact 58), which would be a second credit note; a posted order that is `cancelled` would be given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from contracts.order_statuses import (
    CANCELLED,
    COMPLETED,
    FAILED,
    ON_HOLD,
    PENDING,
    PROCESSING,
    REFUNDED,
    UNPLACED_STATUSES,
)
from services.settings.base import Section

# Notes that Davtari writes to a shop's orders (claims S4.29, S4.30).

Audience = Literal["off", "private", "customer"]
Text = Literal["sale", "credit-note", "plan", "parked", "waybill"]
DOCUMENT = frozenset({"order", "document", "date", "total", "currency"})
WORDS: dict[Text, frozenset[str]] = {
    "sale": DOCUMENT,
    "credit-note": DOCUMENT,
    "plan": DOCUMENT - {"document"},
    "parked": frozenset({"order", "reason", "cause"}),
    "waybill": frozenset({"waybill"}),
}
"""What each text may name in braces. No buyer is among it: a note holds no personal data."""


class NoteSettings(Section):
    """Notes at orders; nothing is written unless `mode` says so. What happened before `since` is left alone."""

    mode: Literal["off", "dry-run", "live"] = "off"
    since: date | None = Field(default=None, description="the first day (Tbilisi) whose documents get notes")
    language: Literal["en", "ka"] = "ka"
    sale: Audience = Field(
        default="private", description="a note once the Sale is recorded; WooCommerce mails customers"
    )
    credit_note: Audience = Field(default="private", description="a note for each credit note")
    plan: Literal["off", "private"] = Field(default="off", description="a note on the Sale that a dry run would make")
    parked: Literal["off", "private"] = Field(default="off", description="a note when a document waits for a person")
    templates: dict[Text, str] = Field(
        default_factory=dict,
        description="own words, e.g. sale = 'Invoice {document} of {date}'; waybill is added to it",
    )

    def audience(self, about: str) -> Audience:
        """Who sees a note about a sale, credit-note, plan or parked document."""
        found: Audience = getattr(self, about.replace("-", "_"))
        return found

    @model_validator(mode="after")
    def _since_when(self) -> NoteSettings:
        if self.mode != "off" and self.since is None:
            raise ValueError("say from which day on: since = 2026-11-21 (orders of the years before get no notes)")
        for name, text in self.templates.items():
            _check(name, text)
        return self


def _check(name: Text, text: str) -> None:
    allowed = "{" + "}, {".join(sorted(WORDS[name])) + "}"
    try:
        named = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise ValueError(f"templates.{name}: {error}; write a brace that is meant as such twice") from None
    if wrong := sorted(named - WORDS[name]):
        raise ValueError(f"templates.{name} names {{{wrong[0]}}}; it may name {allowed}")


def _as_rest_names_it(status: str) -> str:
    if status.startswith("wc-"):
        raise ValueError(f'write "{status.removeprefix("wc-")}": REST names a status without wc-')
    return status


Status = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$"), AfterValidator(_as_rest_names_it)]
RANK = {PENDING: 0, ON_HOLD: 1, PROCESSING: 2, COMPLETED: 3, CANCELLED: 4, FAILED: 4, REFUNDED: 4}
"""How far an order has come in each of WooCommerce's own statuses; from the last ones nothing leads on."""
NEVER_SET = UNPLACED_STATUSES | {PENDING, FAILED, REFUNDED}
"""Davtari never sets these statuses."""


class StatusSettings(Section):
    """Statuses that follow from the books; none is written unless `mode` says so, nor for what was before `since`."""

    mode: Literal["off", "dry-run", "live"] = "off"
    since: date | None = Field(default=None, description="the first day (Tbilisi) whose documents count")
    posted: dict[Status, Status] = Field(
        default_factory=dict, description="when the Sale is recorded: the status that the order has → the one it gets"
    )
    credited: dict[Status, Status] = Field(
        default_factory=dict, description="the same when all of the Sale is credited"
    )

    @property
    def named(self) -> frozenset[str]:
        """Every status that the list knows."""
        return frozenset(status for steps in (self.posted, self.credited) for step in steps.items() for status in step)

    @model_validator(mode="after")
    def _only_forwards(self) -> StatusSettings:
        if self.mode != "off" and self.since is None:
            raise ValueError("say from which day on: since = 2026-11-21 (orders of the years before keep their status)")
        for state, steps in (("posted", self.posted), ("credited", self.credited)):
            for was, status in steps.items():
                if why := step_fault(state, was, steps):
                    raise ValueError(f"{state}: {was} → {status} is not possible: {why}")
        return self


def step_fault(state: str, was: str, steps: Mapping[str, str]) -> str | None:
    """Why a step of the list may not be taken; None when it may."""
    status = steps[was]
    if status in NEVER_SET:
        return "Davtari never sets this status"
    if was in UNPLACED_STATUSES:
        return "such an order is not placed, or in the trash"
    if state == "posted" and status == CANCELLED:
        return "an order with a Sale is not cancelled by Davtari"
    return _backwards(was, steps)


def _backwards(was: str, steps: Mapping[str, str]) -> str | None:
    """Follows the list on from a status: it may neither come back nor lead to one that an order has behind it."""
    seen, furthest = {was}, RANK.get(was, -1)
    while (status := steps.get(was)) is not None:
        if status in seen or RANK.get(status, furthest + 1) <= furthest:
            return "it would move the order backwards"
        seen.add(status)
        furthest, was = max(furthest, RANK.get(status, furthest)), status
    return None
