"""The accountant's gate: first documents of a shape wait for an approval; approved ones, and then the shape, flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.approvals import ApprovalAsked
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Delivery
from services.order_exporter import handlers as order_handlers
from services.order_exporter.tasks import SaleTask
from services.refund_exporter import handlers as refund_handlers
from tests.order_exporter.approval_events import SHAPE, approval, approvals_asked
from tests.order_exporter.export_bench import bought, client_recorded, consumer, person
from tests.order_exporter.exporter_lanes import deliver_all, order_lanes
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record, record_of
from tests.support.exporting import KEY, SHOP, given_back, link, push, recorded_sale, refund, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import Consumer

CAREFUL = settings(approve_first=2)


def only(decision: Decision) -> Delivery:
    [delivery] = decision.deliveries
    return delivery


def waits(decision: Decision) -> bool:
    blocked = only(decision).blocked
    return blocked is not None and blocked.reason is Reason.APPROVAL_WAITS


def sold(service: Consumer, *order_ids: int, **fields: Any) -> list[Decision]:
    """The decisions about further orders of the same sort."""
    found = service.take(*[bought(order_id=id_, number=str(id_), **fields) for id_ in order_ids])
    return [found[f"{SHOP}:{id_}"] for id_ in order_ids]


@pytest.mark.claim("S1.12", "I5")
def test_the_first_documents_of_a_shape_wait_for_their_approvals_and_then_the_shape_flows() -> None:
    service = consumer(CAREFUL)
    service.take(link(311))
    first, second, third = sold(service, 1, 2, 3)
    assert [waits(each) for each in (first, second, third)] == [True, True, True]
    assert [(each.document, each.shape) for each in approvals_asked(first)] == [("sale:main:1", SHAPE)]
    after_one = service.take(
        *approvals_asked(first), *approvals_asked(second), *approvals_asked(third), approval("sale:main:1")
    )
    assert [waits(after_one[f"{SHOP}:{n}"]) for n in (2, 3)] == [True, True]
    assert only(after_one[f"{SHOP}:1"]).blocked is None
    after_two = service.take(approval("sale:main:2"))
    assert [only(after_two[f"{SHOP}:{n}"]).blocked for n in (2, 3)] == [None, None]
    assert only(sold(service, 4)[0]).blocked is None


@pytest.mark.claim("I5")
def test_approving_a_shape_lets_all_of_it_go_in_this_shop_alone() -> None:
    service = consumer(CAREFUL)
    [waiting] = sold(service, 1) if service.take(link(311)) is not None else []
    service.take(*approvals_asked(waiting), approval(shop="other"))
    assert waits(service.decisions[f"{SHOP}:1"])
    assert only(service.take(approval())[f"{SHOP}:1"]).blocked is None


@pytest.mark.parametrize(
    "fields",
    [{"payment_method": "cod", "status": "completed"}, {"currency": "USD"}, person()],
    ids=["another payment method", "another currency", "a client by number"],
)
def test_another_shape_waits_for_an_approval_of_its_own(fields: dict[str, Any]) -> None:
    service = consumer(settings(approve_first=1, balance={"currencies": {"USD": "u"}}))
    service.take(link(311), approval())
    assert only(sold(service, 1)[0]).blocked is None
    assert waits(sold(service, 2, **fields)[0])


def test_no_client_is_created_before_the_approval() -> None:
    service = consumer(CAREFUL)
    waiting = service.take(link(311), bought(**person()))[KEY]
    assert (only(waiting).kind, waits(waiting)) == ("sale", True)
    [question] = approvals_asked(waiting)
    kinds = {each.kind for each in service.take(question, approval(shape=question.shape))[KEY].deliveries}
    assert kinds == {"client", "sale"}


def test_the_question_is_asked_once_and_again_when_the_document_is_another_one() -> None:
    service = consumer(CAREFUL)
    [question] = approvals_asked(service.take(link(311), bought())[KEY])
    assert approvals_asked(service.take(question, bought())[KEY]) == []
    assert (
        approvals_asked(service.take(bought(currency="USD"))[KEY]) == []
    )  # not mapped: there is no document to ask about
    assert len(approvals_asked(service.take(bought(payment_method="card"))[KEY])) == 1


def test_an_order_that_is_cancelled_while_it_waits_is_asked_about_no_more() -> None:
    service = consumer(CAREFUL)
    service.take(*approvals_asked(service.take(link(311), bought())[KEY]))
    assert service.take(bought(status="cancelled"))[KEY] == Decision()


@pytest.mark.parametrize("using", [settings(), settings("dry-run", approve_first=1)], ids=["not set", "dry run"])
def test_the_gate_is_off_by_default_and_in_dry_run(using: Any) -> None:
    decision = consumer(using).take(link(311), bought())[KEY]
    assert not approvals_asked(decision) and not any(each.blocked for each in decision.deliveries)


def test_a_push_reports_what_it_waits_for_and_a_dry_one_plans() -> None:
    service = consumer(CAREFUL)
    service.take(link(311), bought())
    [answer] = [each for each in service.take(push())[KEY].announce if isinstance(each, CommandSettled)]
    assert "waits: sale:main:1042" in answer.detail
    dry = service.take(answer, push(command_id="dry", dry_run=True))[KEY].announce
    assert [each.outcome for each in dry if isinstance(each, CommandSettled)] == ["done"]


@pytest.mark.claim("I5")
def test_refunds_have_shapes_by_their_kind() -> None:
    service = Consumer(refund_handlers.handlers(CAREFUL))
    service.take(recorded_sale(bought(), CAREFUL))
    decision = service.take(refund("10.00", given_back(1, "10.00", quantity="1")), refund("3.00", refund_id=2))[KEY]
    assert [each.blocked.reason for each in decision.deliveries if each.blocked] == [Reason.APPROVAL_WAITS] * 2
    money, goods = approvals_asked(decision)  # in the order of their numbers
    assert goods.shape == "credit note · goods · VAT 18 · GEL · retail client"
    assert money.shape == "credit note · an amount · VAT 18 · GEL · retail client"
    after = service.take(money, goods, approval(shape=goods.shape))[KEY]
    assert [each.blocked is None for each in after.deliveries] == [False, True]


@pytest.mark.claim("S1.12")
async def test_on_the_engine_the_sale_is_written_after_the_approval_and_a_rebuilt_database_knows_it(
    tmp_path: Path,
) -> None:
    books, facts = FakeBooks(), list[Event]([link(311), bought()])
    async with open_bench(tmp_path / "old", order_handlers.handlers(CAREFUL)) as bench:
        for fact in facts:
            await bench.take(record(fact))
        await deliver_all(bench, order_lanes(books))
        assert books.puts("Sale") == 0
        await bench.take(record(approval("sale:main:1042")))
        await deliver_all(bench, order_lanes(books))
        published = await bench.published()
    assert [type(each.data) for each in published] == [ApprovalAsked, SaleRecorded]
    assert books.puts("Sale") == 1
    async with open_bench(tmp_path / "new", order_handlers.handlers(CAREFUL), caught_up=False) as rebuilt:
        for each in [*map(record, facts), *map(record_of, published), record(approval("sale:main:1042"))]:
            await rebuilt.take(each)
        await rebuilt.engine.finish_catch_up()
        await deliver_all(rebuilt, order_lanes(books))
        assert (await rebuilt.published(), await rebuilt.rows()) == ([], {})
    assert books.puts("Sale") == 1


def test_what_is_approved_is_the_document_as_it_will_be_sent() -> None:
    service = consumer(CAREFUL)
    waiting = service.take(link(311), client_recorded(), bought())[KEY]
    assert SaleTask.model_validate(only(waiting).payload).document["uid"]
