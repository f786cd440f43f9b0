"""Which status an order may be given in the shop once it is in the books: an allow-list, never backwards (claim S2.12).

What the list may hold is bounded by what a status does in WooCommerce: `refunded` makes a refund of its own (API fact:
reference section 7), which would be a second credit note; a posted order that is `cancelled` would be given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
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
                if why := forbidden(state, was, steps):
                    raise ValueError(f"{state}: {was} → {status} is not possible: {why}")
        return self


def forbidden(state: str, was: str, steps: Mapping[str, str]) -> str | None:
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
