"""A service is started a second time by mistake: it is refused with the reason, and the first one keeps running."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import Broker
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("K33"),
    pytest.mark.xdist_group("second-instance"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
ALREADY_RUNNING = 4
STATE = '"directory" = "state"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("second"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        elsewhere = made.world.folder / "elsewhere.toml"
        settings = made.world.settings_file.read_text(encoding="utf-8")
        assert STATE in settings
        elsewhere.write_text(settings.replace(STATE, STATE.replace('"state"\n', '"elsewhere"\n')), encoding="utf-8")
        yield made


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        pytest.param(("run", "order-exporter"), "davtari.toml", id="run beside up"),
        pytest.param(("up",), "davtari.toml", id="up twice", marks=pytest.mark.long),
        pytest.param(("run", "order-exporter"), "elsewhere.toml", id="on another folder"),
    ],
)
async def test_a_second_instance_is_refused_and_nothing_is_duplicated(
    system: SystemUnderTest, command: tuple[str, ...], settings: str
) -> None:
    result = await system.run_davtari(*command, settings=settings)
    # then it states which instance is running and what to do, and nothing else
    assert result.code == ALREADY_RUNNING, result.err
    assert "is already running" in result.err
    assert "stop the other one first" in result.err
    assert "Traceback" not in result.err
    # and the first one keeps running
    await system.place(*system.supply.orders(3))
    await system.wait_until_consistent()
    assert system.programs["up"].process.returncode is None
    assert system.programs["up"].logged("service failed and is started again") == []


async def test_after_a_kill_the_successor_takes_over_at_once(system: SystemUnderTest) -> None:
    await system.programs.kill("up")
    begun = time.monotonic()
    await system.programs.start("up", services=len(ALL_SERVICES))
    taken = time.monotonic() - begun
    assert not system.programs["up"].logged("waiting for another instance to end")
    await system.place(system.supply.order())
    await system.wait_until_consistent()
    print(f"caught up {taken:.1f} s after the kill")
