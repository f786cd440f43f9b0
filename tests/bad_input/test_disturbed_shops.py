"""Shops behind firewalls, proxies and plugins: what they do is recognised and named, and costs no product."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.reasons import Reason
from services.engine.outbox.outcome import Done, Outcome, Refused, Retry, Unknown
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce import rest
from tests.catalog_importer.catalogue_bench import World, item, price, priced, rows, world
from tests.stock_publisher import shop_scene
from tests.stock_publisher.shop_scene import scene

BATCH = "/wp-json/wc/v3/products/batch"
PAGE = "<!doctype html><html><head><title>Just a moment...</title></head></html>"
NOTICE = "<br />\n<b>Notice</b>: Undefined index in plugin.php on line 3"
PROTECTED = f"({Reason.SHOP_PROTECTED})"
PHP_OUTPUT = f"({Reason.SHOP_PHP_OUTPUT})"
FOREIGN = f"({Reason.SHOP_FOREIGN_ANSWER})"
Trouble = dict[str, Any]

READS: dict[str, tuple[Trouble, type[Outcome], str]] = {
    "a page instead of JSON": ({"status": 200, "body": PAGE}, Retry, PROTECTED),
    "a notice before the JSON": ({"status": 200, "body": NOTICE + "[]"}, Retry, PHP_OUTPUT),
    "broken JSON": ({"status": 200, "body": "[{"}, Retry, "no valid JSON"),
    "a firewall's 403": ({"status": 403, "body": PAGE}, Retry, PROTECTED),
    "a firewall's 405": ({"status": 405, "body": PAGE}, Retry, PROTECTED),
    "a firewall's 406": ({"status": 406, "body": "Not Acceptable!"}, Retry, PROTECTED),
    "a rate limit": ({"status": 429, "headers": {"Retry-After": "7"}}, Retry, "HTTP 429"),
    "maintenance": ({"status": 503, "body": PAGE}, Retry, "HTTP 503"),
    "a gateway": ({"status": 502, "body": PAGE}, Retry, "HTTP 502"),
}
WRITES: dict[str, tuple[Trouble, type[Outcome], str]] = {
    "a page instead of JSON": ({"status": 200, "body": PAGE}, Unknown, PROTECTED),
    "a notice before the JSON": ({"status": 200, "body": NOTICE + "{}"}, Unknown, PHP_OUTPUT),
    "broken JSON": ({"status": 200, "body": '{"create": ['}, Unknown, "no valid JSON"),
    "a list": ({"status": 200, "body": "[1]"}, Unknown, FOREIGN),
    "too few results": ({"status": 200, "body": '{"create": [], "update": []}'}, Unknown, "returned 0 results"),
    "a firewall's 403": ({"status": 403, "body": PAGE}, Retry, PROTECTED),
    "a firewall's 405": ({"status": 405, "body": PAGE}, Retry, PROTECTED),
    "a firewall's 406": ({"status": 406, "body": "Not Acceptable!"}, Retry, PROTECTED),
    "a rate limit": ({"status": 429, "headers": {"Retry-After": "7"}}, Retry, "HTTP 429"),
    "maintenance": ({"status": 503, "body": PAGE}, Retry, "HTTP 503"),
    "a crash": ({"status": 500, "body": PAGE}, Unknown, "HTTP 500"),
}
TABLE = [*[("GET", name, *case) for name, case in READS.items()], *[("POST", n, *case) for n, case in WRITES.items()]]


def words_of(outcome: Outcome) -> str:
    """What an outcome says."""
    return outcome.why if isinstance(outcome, Retry) else getattr(outcome, "detail", "")


def items(w: World, count: int = 3, **more: Any) -> list[Any]:
    """The deliveries of so many new items."""
    uids = [f"tea-{n:03}" for n in range(count)]
    decisions = w.consumer.take(*[item(uid, **more) for uid in uids], *[priced(uid, price("5")) for uid in uids])
    return rows([delivery for decision in decisions.values() for delivery in decision.deliveries])


@pytest.mark.claim("K16", "K13")
@pytest.mark.parametrize(("method", "name", "trouble", "expected", "words"), TABLE)
async def test_the_importer_reports_the_product_and_continues_once_it_is_valid(
    method: str, name: str, trouble: Trouble, expected: type[Outcome], words: str
) -> None:
    async with world() as w:
        due = items(w)
        w.faults.add(InjectedFault.model_validate({"kind": "status", "match": method, **trouble}))
        outcomes = await w.deliver(due)
        assert {type(outcome) for outcome in outcomes} == {expected}, name
        assert all(words in words_of(outcome) and "shop main" in words_of(outcome) for outcome in outcomes), outcomes
        if isinstance(outcomes[0], Retry) and "headers" in trouble:
            assert outcomes[0].after == 7
        w.faults.clear()
        assert {type(outcome) for outcome in await w.deliver(due)} == {Done}
        assert len(w.shop.products) == len(due)


@pytest.mark.claim("K16", "K13")
@pytest.mark.parametrize("name", WRITES)
async def test_the_publisher_reports_the_product_and_continues_once_it_is_valid(name: str) -> None:
    trouble, expected, words = WRITES[name]
    async with scene() as s:
        due = [shop_scene.row(s.product(), 7), shop_scene.row(s.product(), 8)]
        s.faults.add(InjectedFault.model_validate({"kind": "status", "match": "POST", **trouble}))
        outcomes = await s.deliver(due)
        assert {type(outcome) for outcome in outcomes} == {expected}
        assert all(words in words_of(outcome) for outcome in outcomes), outcomes
        s.faults.clear()
        assert {type(outcome) for outcome in await s.deliver(due)} == {Done}
        assert [one["stock_quantity"] for one in s.shop.products.values()] == [7, 8]


@pytest.mark.claim("K15", "K13")
async def test_batches_that_are_too_large_for_the_web_server_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        w.shop.settings = replace(w.shop.settings, max_body=2500)
        assert {type(outcome) for outcome in await w.deliver(items(w, 100))} == {Done}
        assert len(w.shop.products) == 100
        refused = [entry for entry in w.faults.journal.entries if entry.status == 413]
        assert 0 < len(refused) < 8, "it is learned, not tried each time"


@pytest.mark.claim("K13")
async def test_only_the_record_that_is_too_large_is_refused() -> None:
    async with world() as w:
        w.shop.settings = replace(w.shop.settings, max_body=2500)
        due = items(w, 10) + items_of("long", "Tea " * 1000, w)
        outcomes = await w.deliver(due)
        [refused] = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert outcomes.index(refused) == 10
        assert "413" in refused.detail
        assert len(w.shop.products) == 10


def items_of(uid: str, name: str, w: World) -> list[Any]:
    """The delivery of one item."""
    [decision] = w.consumer.take(item(uid, name=name), priced(uid, price("5"))).values()
    return rows(decision.deliveries)


@pytest.mark.claim("K15")
async def test_lookups_that_are_too_long_for_the_web_server_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "LONGEST_URL", 700)
    async with world() as w:
        due = items(w, 200)
        assert {type(outcome) for outcome in await w.deliver(due[:100])} == {Done}
        assert 414 in {entry.status for entry in w.faults.journal.entries}
        w.faults.journal.clear()
        assert {type(outcome) for outcome in await w.deliver(due[100:])} == {Done}
        assert 414 not in {entry.status for entry in w.faults.journal.entries}, "it is learned"


@pytest.mark.claim("K13")
async def test_a_differently_stored_value_is_refused_for_its_item_only() -> None:
    async with world() as w:
        del w.shop.categories[22]
        await w.take(*[item(f"tea-{n}") for n in range(5)], item("odd", group="group-coffee"))
        [refused] = [outcome for outcome in w.outcomes if isinstance(outcome, Refused)]
        assert refused.reason == Reason.SHOP_ECHO_DIFFERS
        assert "category_ids: meant '(22,)'" in refused.detail
        assert "SKU ODD" in refused.detail
        assert sum(isinstance(outcome, Done) for outcome in w.outcomes) == 5
