"""A customer account deleted in the shop is found by webhook, by its orders or by the daily check; reported once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.shop import OrderChanged
from services.connectors.woocommerce.customers import account_ref
from services.settings.model import ScheduleSettings
from services.store_feed.customers import CustomerCheck
from services.store_feed.handlers import handlers
from tests.store_feed.customers_bench import account, asked, calls, checked, ended, reported
from tests.store_feed.posting import post, signed
from tests.store_feed.shop_bench import MAIN, Store, intake
from tests.support.exporting import line, order
from tests.support.memory_state import NOON, Consumer


async def bought(store: Store, **fields: object) -> int:
    """An account with an order that is known here, while its shop sends webhooks; gives the account's number."""
    customer = account(store, **fields)
    await store.hinted(store.places(customer_id=customer))
    store.subscribes()
    return customer


def as_posts(store: Store) -> None:
    """The shop keeps its orders as posts: they do not count as modified when their account ends."""
    store.shop.settings = replace(store.shop.settings, orders_in="posts")


@pytest.mark.parametrize(
    ("published_in", "looks"),
    [(("bought", "let-go"), 1), (("bought", "removed", "let-go"), 0), (("bought", "removed", "back", "let-go"), 1)],
)
def test_a_rebuilt_database_asks_only_what_nobody_has_published_yet(published_in: tuple[str, ...], looks: int) -> None:
    whose = {"shop": MAIN, "customer_id": 7, "person_ref": account_ref(MAIN, 7), "observed_at": NOON}
    placed = order(line(1, "20.00"), customer_id=7)
    events = {
        "bought": placed,
        "removed": CustomerRemoved.model_validate(whose),
        "back": CustomerReturned.model_validate(whose),
        "let-go": placed.model_copy(update={"customer_id": 0}),
    }
    decided = Consumer(handlers([MAIN])).take(*[events[name] for name in published_in])

    assert sum(len(decision.deliveries) for decision in decided.values()) == looks


@pytest.mark.claim("S2.16")
async def test_the_end_of_an_account_is_reported_by_webhook_and_published_once(store: Store) -> None:
    customer = await bought(store)
    ended(store, customer)
    first = await reported(store, taken := intake(store.engine))
    body = f'{{"id":{customer}}}'.encode()
    await post(taken.receiver, body, signed(body) | {"X-WC-Webhook-Topic": "customer.deleted"})
    store.passes(seconds=1)

    assert first == [(CustomerRemoved, customer)]
    assert await reported(store, taken) == []


async def test_what_is_published_names_the_account_and_nobody(store: Store) -> None:
    customer = await bought(store)
    ended(store, customer)
    await reported(store, intake(store.engine))

    store.ledger.seen = 0
    fact = (await store.ledger.envelopes())[-1].data
    wanted = {"shop": MAIN, "customer_id": customer, "person_ref": account_ref(MAIN, customer)}
    assert fact == CustomerRemoved.model_validate(wanted | {"observed_at": store.clock()})


async def test_a_hint_at_an_account_that_answers_is_noise(store: Store) -> None:
    customer = await bought(store)
    body = f'{{"id":{customer}}}'.encode()
    taken = intake(store.engine)
    await post(taken.receiver, body, signed(body) | {"X-WC-Webhook-Topic": "customer.deleted"})

    assert await reported(store, taken) == []
    assert calls(store) == [f"/wp-json/wc/v3/customers/{customer}"]
    assert store.reads(customer) == 0, "an account's number is no order's"


async def test_an_account_that_never_bought_is_not_even_asked_for(store: Store) -> None:
    store.subscribes()
    customer = account(store)
    ended(store, customer)

    assert await reported(store, intake(store.engine)) == []
    assert calls(store) == []


async def test_without_a_webhook_the_orders_that_became_a_guests_report_it(store: Store) -> None:
    """WooCommerce sends no webhook for this role, and the sweep reads the orders again."""
    customer = await bought(store)
    store.shop.customers[customer]["role"] = "wholesale"
    ended(store, customer)
    stated = await store.swept()

    assert [event.customer_id for event in stated if isinstance(event, OrderChanged)] == [0]
    assert await asked(store) == [(CustomerRemoved, customer)]


async def test_an_order_given_to_another_account_ends_none(store: Store) -> None:
    customer, other = await bought(store), account(store, email="levan@example.test")
    [order] = store.shop.orders
    store.changes(order, customer_id=other)
    await store.swept()

    assert await asked(store) == []
    assert calls(store) == [f"/wp-json/wc/v3/customers/{customer}"]


async def test_where_nothing_reports_it_the_daily_check_finds_it_with_one_call(store: Store) -> None:
    """The orders are posts, and older than what the sweep reads again."""
    as_posts(store)
    customer, other = await bought(store), account(store, email="levan@example.test")
    store.passes(hours=1)
    store.places(customer_id=other)
    await store.swept()
    store.shop.webhooks.clear()
    ended(store, customer)
    swept, asked_before = await store.swept(), await asked(store)
    found = await checked(store)

    assert (swept, asked_before, found) == ([], [], [(CustomerRemoved, customer)])
    assert calls(store) == ["/wp-json/wc/v3/customers", f"/wp-json/wc/v3/customers/{customer}"]
    assert await checked(store) == []


async def test_an_account_that_answers_again_is_published_to(store: Store) -> None:
    customer = await bought(store)
    kept = store.shop.customers[customer]
    ended(store, customer)
    await reported(store, intake(store.engine))
    store.shop.customers[customer] = kept

    assert await checked(store) == [(CustomerReturned, customer)]
    assert await checked(store) == []


async def test_the_check_runs_by_its_schedule_and_outlives_an_unavailable_shop(store: Store) -> None:
    slept: list[float] = []
    await bought(store)
    fault = store.trouble("outage", "GET .*/customers$")

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        store.clock.forward(seconds=seconds)
        if len(slept) == 2:
            store.faults.clear(fault)
        if len(slept) == 4:
            raise TimeoutError

    schedule = ScheduleSettings(customers="23 4 * * *")
    with pytest.raises(TimeoutError):
        await CustomerCheck(store.engine, MAIN, store.woocommerce, schedule, sleep=pause).run()

    local = store.clock() + timedelta(hours=4)
    assert (local.hour, local.minute) == (4, 23)
    assert slept[1:] == [86400.0] * 3
    assert calls(store)[-1] == "/wp-json/wc/v3/customers"
