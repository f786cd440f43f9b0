"""A shop that is not the one that is known is told of, and so is that a person has accepted it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.reasons import Reason
from tests.alerts.desk import open_desk
from tests.alerts.given import alerting, using
from tests.outbox.shelf import NOW


@pytest.mark.claim("K20")
async def test_a_strange_shop_is_reported_until_it_is_accepted(tmp_path: Path) -> None:
    shown = {"shop": "main", "url": "staging.test", "home": "staging.test", "key_mark": "k", "at": NOW}
    cause = f"{Reason.SHOP_NOT_RECOGNIZED}@main"
    async with open_desk(tmp_path, using(alerting())) as alerts:
        await alerts.learns(ShopNotRecognized.model_validate({**shown, "differences": ("another address",)}))
        assert [(each.cause, each.what) for each in await alerts.after(minutes=1)] == [(cause, "opened")]
        await alerts.learns(ShopIdentified.model_validate({**shown, "how": "accepted"}), version=2)
        assert [(each.cause, each.what) for each in await alerts.after(minutes=2)] == [(cause, "resolved")]
