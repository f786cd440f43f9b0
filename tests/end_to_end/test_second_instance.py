"""Somebody starts a service a second time by mistake: it says why it does not run, and the first one goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import Broker
from tests.end_to_end.stage import ALL, Stage, stage

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("K33"),
    pytest.mark.xdist_group("second-instance"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
ALREADY_RUNNING = 4
STATE = '"directory" = "state"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("second"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
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
async def test_a_second_instance_is_refused_and_nothing_is_doubled(
    stage: Stage, command: tuple[str, ...], settings: str
) -> None:
    said = await stage.davtari(*command, settings=settings)
    # then it says who is at work and what to do, and nothing else
    assert said.code == ALREADY_RUNNING, said.err
    assert "is already running" in said.err
    assert "stop that one first" in said.err
    assert "Traceback" not in said.err
    # and the first one goes on undisturbed
    await stage.place(*stage.supply.orders(3))
    await stage.closes()
    assert stage.programs["up"].process.returncode is None
    assert stage.programs["up"].heard("service failed and is started again") == []


async def test_after_a_kill_the_successor_takes_over_at_once(stage: Stage) -> None:
    await stage.programs.kill("up")
    begun = time.monotonic()
    await stage.programs.start("up", services=len(ALL))
    taken = time.monotonic() - begun
    assert not stage.programs["up"].heard("waiting for another instance to end")
    await stage.place(stage.supply.order())
    await stage.closes()
    print(f"caught up {taken:.1f} s after the kill")
