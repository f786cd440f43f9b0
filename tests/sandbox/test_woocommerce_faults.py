"""Faults on demand: what the client sees, what the shop did, what the journal says. On real sockets where it counts."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from random import Random

import httpx
import pytest

from services.sandbox.faults import ConnectionCut, FaultInjector, InjectedFault
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import SandboxPace, SandboxShopSettings
from tests.sandbox.woocommerce_bench import KEY, Woo

PRODUCTS = "/wp-json/wc/v3/products"


@asynccontextmanager
async def served(faults: FaultInjector, timeout: float = 5) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop over TLS on a real port."""
    async with serve(faults, tls=True) as place:
        trust = ssl.create_default_context(cafile=place.ca_file)
        async with httpx.AsyncClient(base_url=place.url, verify=trust, auth=KEY, timeout=timeout) as client:
            yield client


def shop() -> FaultInjector:
    """A fresh shop."""
    return FaultInjector(create_shop(SandboxShopSettings()))


def skus(faults: FaultInjector) -> list[str]:
    """The state of the shop."""
    return [product["sku"] for product in faults.app.state.shop.products.values()]  # type: ignore[attr-defined]


async def test_a_served_shop_uses_tls_and_the_url_of_the_request() -> None:
    async with served(shop()) as client:
        made = await client.post(PRODUCTS, json={"sku": "A"})
        assert made.headers["location"].startswith(f"{client.base_url}{PRODUCTS}/")
        assert parsedate_to_datetime(made.headers["date"]).tzinfo is not None


@pytest.mark.parametrize(
    ("kind", "committed"), [("reset", []), ("commit_then_reset", ["A"]), ("commit_then_timeout", ["A"])]
)
async def test_a_cut_connection_leaves_the_write_done_or_not(kind: str, committed: list[str]) -> None:
    faults = shop()
    faults.add(InjectedFault(kind=kind, match="POST .*/products$", times=1, seconds=0.05))  # type: ignore[arg-type]
    async with served(faults) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post(PRODUCTS, json={"sku": "A"})
        assert skus(faults) == committed
        assert (await client.post(PRODUCTS, json={"sku": "B"})).status_code == 201


async def test_a_silence_lasts_until_the_client_gives_up() -> None:
    faults = shop()
    faults.add(InjectedFault(kind="commit_then_timeout", times=1, seconds=60))
    async with served(faults, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(PRODUCTS, json={"sku": "A"})
        assert skus(faults) == ["A"]


async def test_a_truncated_answer_breaks_off_in_its_body() -> None:
    faults = shop()
    faults.add(InjectedFault(kind="truncate", times=1, keep=20))
    async with served(faults) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.get("/wp-json/")


async def test_an_answer_can_be_rewritten_as_plugins_and_php_do(woo: Woo) -> None:
    ids = [(await woo.client.post(PRODUCTS, json={"sku": sku})).json()["id"] for sku in ("A", "B", "C")]
    for fault in (
        {"match": "GET .*/products$", "record": ids[0], "fields": {"price": "-", "categories.0.id": "x", "no.way": 1}},
        {"match": "GET .*/products$", "record": ids[1], "fields": None},
        {"match": "GET .*/products/", "fields": {"meta_data": [[], []]}},
    ):
        assert (await woo.client.post("/_sandbox/faults", json={"kind": "rewrite", "times": 1} | fault)).is_success
    once = (await woo.client.get(PRODUCTS)).json()
    twice = (await woo.client.get(PRODUCTS)).json()
    assert [row and (row["id"], row["price"]) for row in once] == [(ids[0], "-"), (ids[1], ""), (ids[2], "")]
    assert once[0]["categories"][0]["id"] == "x"
    assert [row and row["id"] for row in twice] == [ids[0], None, ids[2]]
    assert (await woo.client.get(f"{PRODUCTS}/{ids[0]}")).json()["meta_data"] == [[], []]
    assert (await woo.client.get(f"{PRODUCTS}/{ids[0]}")).json()["meta_data"] == []


@pytest.mark.claim("I8")
async def test_a_wave_of_refusals_ends_by_itself(woo: Woo) -> None:
    wave = {"kind": "status", "match": "GET .*/products", "times": 2, "status": 429, "headers": {"Retry-After": "7"}}
    assert (await woo.client.post("/_sandbox/faults", json=wave)).status_code == 201
    answers = [await woo.client.get(PRODUCTS) for _ in range(3)]
    other = await woo.client.get("/wp-json/")
    assert [answer.status_code for answer in (*answers, other)] == [429, 429, 200, 200]
    assert answers[0].headers["retry-after"] == "7"


async def test_retry_after_can_be_an_http_date_and_the_body_html(woo: Woo) -> None:
    fault = {"kind": "status", "retry_at": 90, "body": "<html>", "headers": {"Content-Type": "text/html"}}
    await woo.client.post("/_sandbox/faults", json=fault)
    answer = await woo.client.get(PRODUCTS)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (503, "<html>", "text/html")
    assert answer.headers["retry-after"] == "Sat, 21 Nov 2026 03:01:30 GMT"


@pytest.mark.claim("I8")
async def test_an_outage_lasts_until_it_is_cleared(woo: Woo) -> None:
    await woo.client.post("/_sandbox/faults", json={"kind": "outage"})
    down = {(await woo.client.get(PRODUCTS)).status_code for _ in range(5)}
    await woo.client.delete("/_sandbox/faults")
    assert (down, (await woo.client.get(PRODUCTS)).status_code) == ({503}, 200)


async def test_an_outage_can_cut_the_connection_instead(woo: Woo) -> None:
    woo.faults.add(InjectedFault(kind="outage", status=None))
    with pytest.raises(ConnectionCut):
        await woo.client.get(PRODUCTS)


async def test_a_latency_delays_and_lets_the_next_fault_have_its_turn(woo: Woo) -> None:
    woo.faults.add(InjectedFault(kind="latency", seconds=0.05, times=1))
    woo.faults.add(InjectedFault(kind="status", status=500, times=1))
    started = time.monotonic()
    answer = await woo.client.get(PRODUCTS)
    assert (answer.status_code, time.monotonic() - started >= 0.05) == (500, True)


async def test_one_fault_is_cleared_by_its_id_and_the_control_routes_are_never_faulted(woo: Woo) -> None:
    kept, cleared = [woo.faults.add(InjectedFault(kind="outage", match=part)) for part in ("/orders", "")]
    await woo.client.delete(f"/_sandbox/faults/{cleared}")
    active = (await woo.client.get("/_sandbox/faults")).json()
    assert [(one["id"], one["kind"], one["match"]) for one in active] == [(kept, "outage", "/orders")]


@pytest.mark.parametrize("fault", [{"kind": "meteor"}, {"kind": "reset", "match": "("}, {"kind": "reset", "times": 0}])
async def test_what_is_no_fault_is_refused(woo: Woo, fault: dict[str, object]) -> None:
    assert (await woo.client.post("/_sandbox/faults", json=fault)).status_code == 400


async def statuses(seed: int) -> list[int]:
    """Twenty answers of a shop that fails every other time or so."""
    faults = FaultInjector(create_shop(), rng=Random(seed))
    faults.add(InjectedFault(kind="status", probability=0.5))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(faults), base_url="https://shop.test") as client:
        return [(await client.get("/wp-json/")).status_code for _ in range(20)]


async def test_a_probability_draws_from_the_given_random_numbers() -> None:
    first = await statuses(1)
    assert first == await statuses(1) != await statuses(2)
    assert set(first) == {200, 503}


async def test_the_journal_lists_and_counts_what_was_asked(woo: Woo) -> None:
    woo.faults.add(InjectedFault(kind="reset", match="/orders"))
    await woo.client.post(PRODUCTS, json={"sku": "A"})
    for number in (10, 11):
        await woo.client.get(f"{PRODUCTS}/{number}?_fields=id")
    with pytest.raises(ConnectionCut):
        await woo.client.get("/wp-json/wc/v3/orders")
    journal = (await woo.client.get("/_sandbox/requests")).json()
    assert journal["counts"] == {f"POST {PRODUCTS}": 1, f"GET {PRODUCTS}/{{id}}": 2, "GET /wp-json/wc/v3/orders": 1}
    assert [(r["method"], r["status"], r["bytes"], r["fault"]) for r in journal["requests"]] == [
        ("POST", 201, 11, None),
        ("GET", 200, 0, None),
        ("GET", 404, 0, None),
        ("GET", None, 0, "reset"),
    ]
    await woo.client.delete("/_sandbox/requests")
    assert (await woo.client.get("/_sandbox/requests")).json()["requests"] == []


async def test_a_slow_shop_has_so_many_workers_and_no_more() -> None:
    app = create_shop(SandboxShopSettings(pace=SandboxPace(workers=2, request_seconds=0.05, item_seconds=0)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.test", auth=KEY) as client:
        started = time.monotonic()
        await asyncio.gather(*(client.get(PRODUCTS) for _ in range(6)))
    assert time.monotonic() - started >= 0.15, "six requests at two a time take three turns"


async def test_webhooks_go_out_by_themselves_once_served() -> None:
    received = asyncio.Event()
    sender = httpx.AsyncClient(transport=httpx.MockTransport(signal_on_request(received)))
    faults = FaultInjector(create_shop(SandboxShopSettings(), client=sender))
    async with sender, served(faults) as client:
        hook = {"topic": "product.created", "delivery_url": "http://davtari.test/", "secret": "s"}
        await client.post("/wp-json/wc/v3/webhooks", json=hook)
        await client.post(PRODUCTS, json={"sku": "A"})
        async with asyncio.timeout(5):
            await received.wait()


def signal_on_request(received: asyncio.Event) -> Callable[[httpx.Request], httpx.Response]:
    """A receiver that notes a signed delivery."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "x-wc-webhook-signature" in request.headers:
            received.set()
        return httpx.Response(200)

    return answer


async def test_the_command_serves_a_filled_shop_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "services.sandbox", "woocommerce", "--stock", "5"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with httpx.AsyncClient(base_url=url) as client:
        state = (await client.get("/_sandbox/state")).json()
    process.terminate()
    assert (state["counts"]["products"], await process.wait()) == (71, 0)
