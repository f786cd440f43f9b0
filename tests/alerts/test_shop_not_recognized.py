"""An unrecognized shop is reported, and so is its acceptance by a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.identity import AcceptShopRequested, ShopIdentified, ShopNotRecognized
from contracts.reasons import Reason
from tests.alerts.alerts_bench import open_alerts_bench
from tests.alerts.samples import alert_settings, shop_settings
from tests.outbox.sample_service import NOW


@pytest.mark.claim("K20")
async def test_an_unrecognized_shop_is_reported_until_it_is_accepted(tmp_path: Path) -> None:
    identity = {"shop": "main", "url": "staging.test", "home": "staging.test", "key_mark": "k", "at": NOW}
    cause = f"{Reason.SHOP_NOT_RECOGNIZED}@main"
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        await alerts.take(ShopNotRecognized.model_validate({**identity, "differences": ("another address",)}))
        assert [(each.cause, each.what) for each in await alerts.advance(minutes=1)] == [(cause, "opened")]
        asked = {"command_id": "c", "asked_by": "nino", "asked_at": NOW, "shop": "main", "why": "moved"}
        await alerts.take(AcceptShopRequested.model_validate(asked))
        await alerts.take(ShopIdentified.model_validate({**identity, "how": "accepted", "command": "c"}), version=2)
        assert [(each.cause, each.what) for each in await alerts.advance(minutes=2)] == [(cause, "resolved")]
