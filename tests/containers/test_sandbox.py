"""`docker compose --profile sandbox`: the whole demonstration in containers, through crashes, and to the tetri."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from services.cli.registry import SERVICES
from tests.containers.composed import Project, docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600), pytest.mark.xdist_group("containers")]
soon = retry(
    retry=retry_if_exception_type(AssertionError), wait=wait_fixed(0.2), stop=stop_after_delay(60), reraise=True
)
STOPPED_WITHIN = 20.0


@soon
def is_back(project: Project, service: str, restarts: int) -> None:
    """It was started again by Docker, and is well."""
    state = project.state(service)
    assert state.restarts > restarts, f"{service} was not started again"
    assert state.health == "healthy", f"{service} is {state.health}"


def crash(project: Project, *services: str) -> None:
    """Kill them, and wait until the restart policy has brought each back."""
    restarts = {service: project.state(service).restarts for service in services}
    for service in services:
        project.kill(service)
    for service, count in restarts.items():
        is_back(project, service, count)


def test_the_scenario_runs_and_the_books_match(sandbox: Project, measured: dict[str, Any]) -> None:
    began = time.monotonic()
    output = sandbox.compose("run", "--rm", "--no-TTY", "story", patience=400)
    measured["story_seconds"] = round(time.monotonic() - began, 1)
    assert output.strip().splitlines()[-1] == (
        "books match: 45 orders = 45 sales, 12 refunds = 12 credit notes, difference 0.00 GEL"
    )
    assert "Nothing was written to the shop" in sandbox.logs("plan")


def test_every_service_is_well_and_within_its_limits(sandbox: Project, measured: dict[str, Any]) -> None:
    states = {name: sandbox.state(name) for name in (*SERVICES, "kafka")}
    assert {name: state.health for name, state in states.items()} == dict.fromkeys(states, "healthy")
    assert not any(state.restarts for state in states.values())
    stats = docker("stats", "--no-stream", "--format", "{{json .}}", *[state.id for state in states.values()])
    used = [json.loads(line)["MemUsage"].split(" / ") for line in stats.splitlines()]
    measured["memory"] = dict(zip(states, [amount for amount, _ in used], strict=True))
    assert {limit for _, limit in used} == {"512MiB", "1GiB"}


def test_services_that_crash_come_back_and_lose_nothing(sandbox: Project) -> None:
    placed = sandbox.play("sell", "4")
    crash(sandbox, "order-exporter", "store-feed")
    sandbox.play("sell", "4")
    assert placed == "4 orders placed"
    assert sandbox.play("books").startswith("books match: 53 orders = 53 sales")


def test_a_broker_that_crashes_comes_back_and_loses_nothing(sandbox: Project) -> None:
    sandbox.play("sell", "4")
    restarts = sandbox.state("kafka").restarts
    sandbox.kill("kafka")
    sandbox.play("sell", "4")
    is_back(sandbox, "kafka", restarts)
    assert sandbox.play("books").startswith("books match: 61 orders = 61 sales")


@pytest.mark.long
def test_services_stop_in_time_with_work_under_way_and_go_on(sandbox: Project, measured: dict[str, Any]) -> None:
    sandbox.play("sell", "4")
    began = time.monotonic()
    sandbox.compose("stop", *SERVICES)
    took = time.monotonic() - began
    codes = {name: sandbox.state(name).exit_code for name in SERVICES}
    sandbox.play("sell", "4")
    sandbox.compose("start", *SERVICES)
    measured["stop_seconds_all_services"] = round(took, 1)
    assert took < STOPPED_WITHIN
    assert codes == dict.fromkeys(SERVICES, 0)
    assert sandbox.play("books").startswith("books match: 69 orders = 69 sales")


@pytest.mark.long
def test_a_service_is_ready_soon_after_its_start(sandbox: Project, measured: dict[str, Any]) -> None:
    sandbox.compose("restart", "order-exporter")
    began = sandbox.state("order-exporter").started
    caught_up = soon(_caught_up)(sandbox, began.isoformat())
    measured["ready_seconds_order_exporter"] = round(caught_up - began.timestamp(), 1)
    assert caught_up - began.timestamp() < 60


def _caught_up(project: Project, since: str) -> float:
    lines = project.compose("logs", "--no-log-prefix", "--since", since, "order-exporter").splitlines()
    caught_up = [
        json.loads(line[line.index("{") :]) for line in lines if '"caught up"' in line
    ]  # Compose paints the line
    assert caught_up, "not caught up yet"
    return datetime.fromisoformat(caught_up[-1]["time"]).timestamp()


@pytest.mark.long
def test_the_scenario_does_not_run_twice(sandbox: Project) -> None:
    again = sandbox.compose("run", "--rm", "--no-TTY", "story", patience=300)
    assert again.strip().splitlines()[-1].startswith("books match: 69 orders")
