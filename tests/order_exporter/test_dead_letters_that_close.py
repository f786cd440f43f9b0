"""Dead letters that `davtari explain` describes as resolving by themselves do so once their cause is fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.model import Event
from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.engine.outbox.handlers import Handlers
from services.order_exporter import handlers as order_handlers
from services.refund_exporter import handlers as refund_handlers
from services.settings.model import Settings
from tests.order_exporter.export_bench import bought, client_recorded, person
from tests.order_exporter.receipt_bench import BANK, using
from tests.outbox.bench import DEADLINE, open_bench
from tests.outbox.sample_service import record
from tests.support.exporting import given_back, line, link, order, recorded_sale, refund, settings

pytestmark = pytest.mark.claim("I10")
USING = settings()
UNPAID_STATUS = order(line(1, "20.00"), status="awaiting-pickup")
FOREIGN = order(line(1, "20.00"), currency="USD")
MAPPED = settings(balance={"currencies": {"USD": "u"}})
NO_WAREHOUSE = settings(warehouse=None)
OWN_STATUS = settings(trigger={"default": ["processing", "completed", "awaiting-pickup"]})
SALE = recorded_sale(bought(), settings())


@dataclass(frozen=True)
class Case:
    """What leads to the dead letter, and what ends it: events, or other settings after a restart."""

    reason: Reason
    facts: Sequence[Event]
    ends: Sequence[Event] = ()
    before: Settings = USING
    after: Settings = USING
    rules: Callable[[Settings], Handlers] = order_handlers.handlers


CASES = {
    "the product is linked": Case(Reason.SALE_ITEM_NOT_LINKED, [bought()], [link(311)]),
    "the client is there": Case(Reason.SALE_CLIENT_WAITS, [link(311), bought(**person())], [client_recorded()]),
    "the currency is mapped": Case(Reason.SALE_CURRENCY_NOT_MAPPED, [link(311), FOREIGN], after=MAPPED),
    "a setting is filled in": Case(Reason.SALE_SETTING_MISSING, [link(311), bought()], before=NO_WAREHOUSE),
    "the status is in the trigger": Case(Reason.SALE_STATUS_UNKNOWN, [link(311), UNPAID_STATUS], after=OWN_STATUS),
    "the order is corrected": Case(
        Reason.SALE_TOTAL_DIFFERS, [link(311), bought(total="25.00")], [bought()]
    ),
    "the Sale of a refund is there": Case(
        Reason.REFUND_SALE_MISSING, [refund("5.00", given_back(1, "5.00"))], [SALE], rules=refund_handlers.handlers
    ),
    "the payment's method is mapped": Case(
        Reason.PAYMENT_METHOD_NOT_MAPPED, [link(311), bought(), SALE],
        before=using(methods={"cod": BANK}), after=using(),
    ),
    "the Sale of a payment is there": Case(
        Reason.PAYMENT_SALE_MISSING, [bought()], [link(311), SALE], before=using(), after=using()
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_a_dead_letter_ends_by_itself_when(case: Case, tmp_path: Path) -> None:
    assert text_of(case.reason).resolves_by_itself
    async with open_bench(tmp_path, case.rules(case.before)) as bench:
        await bench.engine.set_fingerprint("before")
        for fact in case.facts:
            await bench.take(record(fact))
        bench.clock.advance(DEADLINE + 1)
        await bench.engine.dead_letter_overdue()
        dead_letters = {one.reason: one.dead_letter for one in await bench.dead_letters()}
        assert case.reason in dead_letters, dead_letters
    async with open_bench(tmp_path, case.rules(case.after), caught_up=False) as again:
        await again.engine.set_fingerprint("before" if case.before == case.after else "after")
        for version, fact in enumerate(case.ends, start=2):
            await again.take(record(fact, version=version))
        await again.engine.finish_catch_up()
        assert dead_letters[case.reason] in [closed.dead_letter for closed in await again.closed_dead_letters()]
