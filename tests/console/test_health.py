"""Health in the query database: the last statement of each feed, service, gate and shop."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from contracts.alerts import FeedStateChanged, ServiceStateChanged
from contracts.gates import GateChecked
from contracts.identity import ShopIdentified, ShopNotRecognized
from services.console.queries.health import read_health
from tests.console.console_bench import open_console
from tests.subscribers.story import sample_of
from tests.support.exporting import PAID


async def test_each_trouble_is_shown_until_it_is_over(tmp_path: Path) -> None:
    stale = FeedStateChanged(feed="items", service="balance-feed", freshness="stale", complete_at=None, at=PAID)
    troubled = ServiceStateChanged(service="store-feed", reason="service.disk", condition="troubled", at=PAID)
    well = troubled.model_copy(update={"condition": "well", "at": PAID + timedelta(minutes=1)})
    shut = sample_of(GateChecked).model_copy(update={"verdict": "shut"})
    unknown, known = sample_of(ShopNotRecognized), sample_of(ShopIdentified)
    unknown, known = (one.model_copy(update={"shop": "main"}) for one in (unknown, known))  # type: ignore[assignment]
    async with open_console(tmp_path) as console:
        assert (await console.ask(read_health)).is_well
        for event in (stale, troubled, shut, unknown):
            await console.take(event)
            assert not (await console.ask(read_health)).is_well
        found = await console.ask(read_health)
        assert (found.feeds, found.services) == ((stale,), (troubled,))
        assert (found.gates, found.unrecognized_shops) == ((shut,), (unknown,))
        fresh, passed = stale.model_copy(update={"freshness": "fresh"}), shut.model_copy(update={"verdict": "passed"})
        await console.take(fresh, well, passed, known)
        assert (await console.ask(read_health)).is_well
        await console.take(troubled.model_copy(update={"at": PAID + timedelta(seconds=30)}))
        assert (await console.ask(read_health)).services == (well,), "an older statement that is read later is no news"
