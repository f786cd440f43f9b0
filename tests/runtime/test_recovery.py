"""The first answered call to an upstream that is back resumes all lanes of that upstream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.connectors.balance.client import Balance
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.breaker import Breaker, add_listener
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.sandbox.balance.app import create_balance
from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.settings.balance import BalanceSettings
from services.settings.shop import ShopSettings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.fake_upstream import Upstream, add_stock, done, eventually, have_left, run_relay

pytestmark = pytest.mark.claim("K16")
Call = Callable[[], Awaitable[Any]]
UPDATE = InjectedFault(kind="outage", headers={"Retry-After": "600"}, body="<title>Maintenance</title>")
MESSAGE = InjectedFault(kind="status", status=200, body='{"message": "Access denied by bot-protection"}')


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def shop() -> AsyncIterator[tuple[str, Call, Call, FaultInjector]]:
    """A shop: its address, a call of a lane, a call of another service, and its faults."""
    faults = FaultInjector(create_shop())
    async with serve(faults) as served, AsyncExitStack() as stack:
        parts = {"url": served.url, "key_file": "key", "secret_file": "secret"}
        key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
        clients = [
            await stack.enter_async_context(
                WooCommerce("main", ShopSettings.model_validate(parts), key, secret, clock=_now)
            )
            for _ in range(2)
        ]
        yield served.url, clients[0].currency, clients[1].categories, faults


@asynccontextmanager
async def balance() -> AsyncIterator[tuple[str, Call, Call, FaultInjector]]:
    """The same for Balance."""
    faults = FaultInjector(create_balance())
    async with serve(faults) as served, AsyncExitStack() as stack:
        url = f"{served.url}/sm/o/Balance/1234/hs/Exchange"
        parts = {"transport": "on-prem", "url": url, "user_name": "integration", "password_file": "password"}
        clients = [
            await stack.enter_async_context(Balance(BalanceSettings.model_validate(parts), SecretStr("sandbox")))
            for _ in range(2)
        ]
        yield url, clients[0].warehouses, clients[1].warehouse_names, faults


UPSTREAMS = pytest.mark.parametrize("upstream", [shop, balance], ids=["a shop", "Balance"])


@asynccontextmanager
async def open_waiting_lane(folder: Path, address: str, call: Call) -> AsyncIterator[tuple[Bench, Breaker, Upstream]]:
    """A lane with an open breaker and a waiting row."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        lane.times.append(time.monotonic())
        try:
            await call()
        except UpstreamError as error:
            return [outcome_of(error)] * len(rows)
        return [done(row) for row in rows]

    lane, breaker = Upstream(), Breaker()
    lane.deliver = deliver  # type: ignore[method-assign]
    add_listener(address, breaker)

    async def is_open() -> bool:
        return breaker.failures > 0

    async with open_bench(folder) as bench:
        await add_stock(bench, "a", "b", "c")
        async with run_relay(bench, lane, concurrency=1, breaker=breaker):
            await eventually(is_open, "an open breaker")
            yield bench, breaker, lane


@UPSTREAMS
async def test_one_answered_call_reopens_every_lane_of_its_upstream(upstream: Any, tmp_path: Path) -> None:
    async with upstream() as (address, call, other, faults):
        faults.add(UPDATE)
        async with open_waiting_lane(tmp_path, address, call) as (bench, breaker, lane):
            assert breaker.pause(time.monotonic()) > 30, "by itself it would wait for three quarters of a minute"
            faults.clear()
            await other()
            await eventually(
                have_left(bench, "availability:a", "availability:b", "availability:c"), "delivery of every row"
            )
            assert breaker.state(time.monotonic()) == "closed"
            assert len(lane.times) <= 5


@UPSTREAMS
async def test_an_answer_of_something_else_reopens_no_lane(upstream: Any, tmp_path: Path) -> None:
    async with upstream() as (address, call, other, faults):
        faults.add(UPDATE)
        async with open_waiting_lane(tmp_path, address, call) as (_, breaker, lane):
            faults.clear()
            faults.add(MESSAGE)
            with pytest.raises(UpstreamError):
                await other()
            assert breaker.state(time.monotonic()) == "open"
            assert len(lane.times) == 1


@UPSTREAMS
async def test_an_answer_of_another_upstream_reopens_no_lane(upstream: Any, tmp_path: Path) -> None:
    async with upstream() as (address, call, _, faults), upstream() as (_, _, elsewhere, _):
        faults.add(UPDATE)
        async with open_waiting_lane(tmp_path, address, call) as (_, breaker, _):
            await elsewhere()
            await asyncio.sleep(0)
            assert breaker.state(time.monotonic()) == "open"
