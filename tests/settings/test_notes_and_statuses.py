"""What settings may say about notes and statuses: everything off, an allow-list that only leads forwards."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from services.settings.notices import NoteSettings, StatusSettings
from services.settings.orders import RefundSettings

STATUSES = (
    "pending",
    "on-hold",
    "processing",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "trash",
    "auto-draft",
    "checkout-draft",
)
FORWARDS = {
    ("pending", "on-hold"),
    ("pending", "processing"),
    ("pending", "completed"),
    ("on-hold", "processing"),
    ("on-hold", "completed"),
    ("processing", "completed"),
}
GIVEN_UP = {(was, "cancelled") for was in ("pending", "on-hold", "processing", "completed")}
GOLDEN = {"posted": FORWARDS, "credited": FORWARDS | GIVEN_UP}
"""Every write that the settings can permit among WooCommerce's own statuses; no other may ever be added."""


def is_allowed(**steps: Any) -> bool:
    try:
        StatusSettings.model_validate(steps)
    except ValidationError:
        return False
    return True


@pytest.mark.claim("K14", "S2.12")
@pytest.mark.parametrize("state", GOLDEN)
def test_the_list_may_permit_these_writes_and_no_others(state: str) -> None:
    permitted = {(was, to) for was, to in product(STATUSES, STATUSES) if is_allowed(**{state: {was: to}})}
    assert permitted == GOLDEN[state]


@pytest.mark.claim("S2.12")
@pytest.mark.parametrize(
    ("steps", "allowed"),
    [
        ({"processing": "packed", "packed": "completed"}, True),
        ({"packed": "sent"}, True),
        ({"packed": "sent", "sent": "packed"}, False),
        ({"completed": "packed", "packed": "processing"}, False),
        ({"packed": "packed"}, False),
        ({"wc-processing": "completed"}, False),
    ],
    ids=["through", "beside", "in a circle", "back by a detour", "to itself", "with a prefix"],
)
def test_a_plugins_statuses_lead_forwards_too(steps: dict[str, str], allowed: bool) -> None:
    assert is_allowed(posted=steps) is allowed


@pytest.mark.claim("K14")
def test_everything_that_goes_back_to_the_shop_is_off_unless_it_is_switched_on() -> None:
    assert (NoteSettings().mode, StatusSettings().mode, RefundSettings().policy) == ("off", "off", "automatic")


@pytest.mark.parametrize("section", [NoteSettings, StatusSettings])
def test_a_first_day_is_required(section: type[NoteSettings] | type[StatusSettings]) -> None:
    with pytest.raises(ValidationError, match="since = 2026-11-21"):
        section.model_validate({"mode": "live"})


@pytest.mark.claim("S4.29")
@pytest.mark.parametrize(
    ("text", "message"),
    [("{buyer} thanks", "it may name"), ("{document.__class__}", "it may name"), ("{document", "templates.sale")],
)
def test_a_template_names_what_there_is_and_no_person(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NoteSettings(templates={"sale": text})


@pytest.mark.claim("S4.29")
def test_a_note_on_what_waits_is_never_for_the_customer() -> None:
    for about in ("plan", "parked"):
        with pytest.raises(ValidationError):
            NoteSettings.model_validate({about: "customer"})
