"""`davtari status` names what blocked deliveries wait for, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from services.cli.orders.app import read_waits
from services.cli.service_status import blocked_lines, read_blocked
from services.engine.state.files import database_path
from services.engine.state.tables import deliveries, metadata
from services.settings.model import Settings
from tests.support.exporting import KEY, settings

LONG_AGO = datetime(2026, 11, 20, 6, 3, tzinfo=UTC).timestamp()
WHOLE: dict[str, object] = {
    **dict.fromkeys(("subject", "kind", "lane", "key", "payload", "digest", "attempts"), ""),
    **dict.fromkeys(("version", "due", "unknowns"), 0),
}
NAMES = ("id", "state", "created", "blocked_on", "blocked_reason", "blocked_detail")
ROWS = [
    (f"sale:{KEY}", "blocked", LONG_AGO, "link:main:311", "sale.item-not-linked", "order 1042: product 311"),
    ("sale:main:1043", "held", LONG_AGO + 60, "link:main:311", "sale.item-not-linked", "order 1043: product 311"),
    ("sale:main:1044", "pending", LONG_AGO, None, None, None),
]


@pytest.fixture
def using(tmp_path: Path) -> Settings:
    """Settings whose order-exporter has these deliveries."""
    given = settings()
    here = given.model_copy(update={"state": given.state.model_copy(update={"directory": tmp_path})})
    path = database_path(tmp_path, "order-exporter")
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with engine.begin() as db:
        db.execute(insert(deliveries), [WHOLE | dict(zip(NAMES, row, strict=True)) for row in ROWS])
    engine.dispose()
    return here


@pytest.mark.claim("S4.27")
def test_blocked_deliveries_are_counted_by_cause(using: Settings) -> None:
    [one] = read_blocked(using)
    assert (one.service, one.waits_for, one.count) == ("order-exporter", "link:main:311", 2)
    first, last = blocked_lines([one])
    assert first.startswith("order-exporter: 2 waiting for link:main:311 since 20 Nov 2026 10:03 +04: order 1042")
    assert last == "davtari orders --held lists every waiting order and refund."


def test_no_blocked_delivery_prints_nothing_and_many_are_counted(using: Settings) -> None:
    assert list(blocked_lines([])) == []
    *shown, last = blocked_lines(read_blocked(using) * 12)
    assert (len(shown), last.startswith("2 more causes")) == (10, True)


def test_waits_are_read_from_the_state_database(using: Settings) -> None:
    assert read_waits(using) == {
        f"sale:{KEY}": "waits: order 1042: product 311",
        "sale:main:1043": "waits: order 1043: product 311",
        "sale:main:1044": "waiting to be sent to Balance",
    }
