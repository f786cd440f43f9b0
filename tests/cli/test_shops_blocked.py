"""A blocked shop is listed first in `davtari status`, with the evidence and the fix."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from contracts.envelope import wrap
from contracts.identity import ShopIdentified, ShopNotRecognized
from services.cli import shop_identity
from services.cli.screen import console
from services.cli.status import StatusReport
from tests.support.memory_state import NOON

SHOWN: dict[str, Any] = {"shop": "main", "url": "shop.ge", "home": "shop.ge", "key_mark": "k", "at": NOON}
KNOWN = ShopIdentified(**SHOWN, how="first-contact")
STRANGE = ShopNotRecognized(**SHOWN, differences=("its newest orders 4, 5, 6 are missing: an older copy?",))


def status(*events: ShopIdentified | ShopNotRecognized) -> str:
    """What `davtari status` shows after these events."""
    events = [wrap(event, version=n, source="/tests", time=NOON) for n, event in enumerate(events, 1)]
    nothing: dict[str, Any] = {field.name: [] for field in fields(StatusReport)}
    seen = StatusReport(**nothing | {"shops": shop_identity.collect_identities(["main"], events)})
    with console.capture() as shown:
        seen.show()
    return " ".join(shown.get().split())


@pytest.mark.claim("K31")
def test_a_blocked_shop_is_first_in_status() -> None:
    shown = status(KNOWN, STRANGE)
    assert shown.startswith("BLOCKED since 02 Mar 2026 12:00 +04: shop main is not the shop that is known")
    for part in ("its newest orders 4, 5, 6 are missing", "correct shops.main.url", "davtari shop accept --shop main"):
        assert part in shown
    assert "Nothing needs a person" not in shown
    # and when the block has ended
    assert "Nothing needs a person" in status(KNOWN, STRANGE, KNOWN)
    assert "BLOCKED" not in status(KNOWN, STRANGE, KNOWN)
