"""A full disk and a wrong clock are reported while they last, without the help of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from aiokafka.errors import KafkaConnectionError

from contracts.alerts import ServiceStateChanged
from contracts.envelope import Envelope, decode, wrap
from contracts.reasons import Reason
from services.alerts import deliveries
from services.alerts.deliveries import OwnDiskWatch, RecipientAddress
from services.alerts.message import Message
from services.cli import status as shown
from services.engine.clock import ClockCheck
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.outcome import Blocked
from services.engine.runtime import service
from services.engine.runtime.conditions import ConditionReporter, with_condition_rules
from services.settings.alerts import AlertSettings, RecipientSettings
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench, want
from tests.outbox.sample_service import NAME, NOW, availability_delivery, handlers, record_of

FULL = "the disk is full: free some space"
SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@dataclass
class FakeKafka:
    """A stand-in for Kafka: keeps the events that were sent, or is unavailable."""

    is_down: bool = False
    sent: list[Envelope[Any]] = field(default_factory=list)

    async def send_and_wait(self, topic: str, *, value: bytes, key: bytes, headers: Any) -> None:
        if self.is_down:
            raise KafkaConnectionError("no broker")
        self.sent.append(decode(headers, value))

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one.data.condition, one.data.why) for one in self.sent]


def reporter(bench: Bench, log: FakeKafka) -> ConditionReporter:
    checks = {Reason.SERVICE_DISK: lambda: bench.database.failure, Reason.SERVICE_CLOCK: lambda: ""}
    return ConditionReporter(NAME, checks, bench.database, log, "davtari.", bench.clock)  # type: ignore[arg-type]


async def test_trouble_and_its_end_are_each_reported_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        log = FakeKafka()
        conditions = reporter(bench, log)
        await conditions.check()
        assert log.states == []
        bench.database.failure = FULL
        for _ in range(3):
            await conditions.check()
        assert log.states == [("troubled", FULL)]
        bench.database.failure = ""
        await conditions.check()
        assert log.states == [("troubled", FULL)]
        bench.clock.advance(61)
        await conditions.check()
        await conditions.check()
        assert log.states == [("troubled", FULL), ("well", "")]


async def test_trouble_that_comes_and_goes_is_one_report(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        log = FakeKafka()
        conditions = reporter(bench, log)
        for turn in range(100):
            bench.database.failure = FULL if turn % 2 else ""
            await conditions.check()
            bench.clock.advance(5)
        assert log.states == [("troubled", FULL)]


async def test_a_report_that_kafka_did_not_accept_is_sent_later(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        log = FakeKafka(is_down=True)
        conditions = reporter(bench, log)
        bench.database.failure = FULL
        with pytest.raises(KafkaConnectionError):
            await conditions.check()
        log.is_down = False
        await conditions.check()
        assert log.states == [("troubled", FULL)]


async def test_a_service_killed_in_trouble_reports_its_recovery_after_the_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path, with_condition_rules(handlers())) as bench:
        await bench.take(record_of(state("troubled")))
        log = FakeKafka()
        conditions = reporter(bench, log)
        conditions._published = await conditions._read_published()
        await conditions.check()
        assert log.states == [("well", "")]


def state(what: str, at: datetime = NOW, service: str = NAME) -> Envelope[ServiceStateChanged]:
    event = ServiceStateChanged.model_validate(
        {
            "service": service,
            "reason": "service.disk",
            "condition": what,
            "why": FULL if what == "troubled" else "",
            "at": at,
        }
    )
    return wrap(event, version=1, source=service, time=at)


def test_status_shows_the_last_report() -> None:
    later = NOW + timedelta(hours=1)
    reports = [state("troubled"), state("troubled", service="alerts"), state("well", later)]
    [line] = shown.condition_lines(shown.troubled_services(reports))
    assert "alerts" in line
    assert FULL in line


HOUR, DAYS = timedelta(hours=1), timedelta(days=3)
DATES = {
    "the same time": (timedelta(), {}, ""),
    "an hour off": (HOUR, {}, ""),
    "days ahead": (DAYS, {}, "3.0 days ahead"),
    "days behind": (-DAYS, {}, "3.0 days behind"),
    "days behind, from a cache with an Age header": (-DAYS, {"age": str(3 * 86400)}, ""),
}


@pytest.fixture
def check() -> Iterator[ClockCheck]:
    yield ClockCheck(lambda: SINCE)


@pytest.mark.parametrize(("ahead", "more", "problem"), DATES.values(), ids=DATES)
def test_the_clock_is_compared_with_the_date_of_answers(
    check: ClockCheck, ahead: timedelta, more: dict[str, str], problem: str
) -> None:
    assert not check.is_compared
    check.compare_http("Balance", {"date": format_datetime(SINCE + ahead)} | more)
    assert check.is_compared
    assert (problem in check.problem, bool(check.problem)) == (True, bool(problem))


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": "Mon, 02 Mar 2026 08:30:00 GMT", "age": "?"}])
def test_an_answer_without_a_date_is_ignored(check: ClockCheck, headers: dict[str, str]) -> None:
    check.compare_http("Balance", headers)
    assert (check.is_compared, check.problem) == (False, "")


def test_only_records_from_the_future_show_a_wrong_clock(check: ClockCheck) -> None:
    check.compare_record("Kafka", int((SINCE - DAYS).timestamp() * 1000))
    assert check.problem == ""
    check.compare_record("Kafka", int((SINCE + DAYS).timestamp() * 1000))
    assert "Kafka is 3.0 days ahead" in check.problem
    check.compare_record("Kafka", int(SINCE.timestamp() * 1000))
    assert check.problem == ""


@pytest.mark.parametrize("timestamp", [-1, -(2**63)])
def test_a_record_without_a_time_proves_nothing(check: ClockCheck, timestamp: int) -> None:
    check.compare_record("Kafka", timestamp)
    assert check.problem == ""


def test_a_record_of_a_year_that_does_not_exist_is_from_the_future(check: ClockCheck) -> None:
    check.compare_record("Kafka", 2**63 - 1)
    assert "days ahead" in check.problem


def test_the_clock_is_right_again_when_all_sources_agree(check: ClockCheck) -> None:
    for ahead, trouble in ((DAYS, True), (timedelta(), False)):
        check.compare_http("Balance", {"date": format_datetime(SINCE + ahead)})
        assert bool(check.problem) == trouble


class FakeAddress(RecipientAddress):
    """An address that keeps its messages, or refuses them."""

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.accepts = True

    async def send(self, message: Message, id_: str, *, resolved: bool = False) -> bool:
        if self.accepts:
            self.received.append(message)
        return self.accepts


async def test_the_alerts_service_reports_its_own_full_disk_without_its_outbox(tmp_path: Path) -> None:
    nino = RecipientSettings(url_file=Path("unused"), roles=("integrator",))
    address = FakeAddress()
    alarm = OwnDiskWatch(AlertSettings(recipients={"nino": nino}), {"nino": address})
    async with open_bench(tmp_path) as bench:
        await alarm.check(bench.engine)
        assert address.received == []
        bench.database.failure, address.accepts = FULL, False
        await alarm.check(bench.engine)
        address.accepts = True
        for _ in range(3):
            await alarm.check(bench.engine)
        [message] = address.received
        assert FULL in message.body
        assert deliveries.DISK_CAUSE.name in message.title
        bench.database.failure = ""
        await alarm.check(bench.engine)
        bench.database.failure = FULL
        await alarm.check(bench.engine)
        assert len(address.received) == 2


CLOCKS = {
    "not compared yet": (None, False),
    "days off": (DAYS, False),
    "all agree": (timedelta(), True),
}


@pytest.mark.parametrize(("ahead", "ends"), CLOCKS.values(), ids=CLOCKS)
async def test_no_deadline_expires_while_the_clock_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: timedelta | None, *, ends: bool
) -> None:
    script = Script()
    async with open_bench(tmp_path, Handlers((), {}, script)) as bench:
        check = ClockCheck(bench.clock)
        monkeypatch.setattr(service, "PROCESS_CLOCK_CHECK", check)
        # given a delivery that is blocked past its deadline by the local clock
        blocked = Blocked("a-thing", Reason.SALE_ITEM_NOT_LINKED, "no link")
        await want(bench, script, replace(availability_delivery("a"), blocked=blocked))
        bench.clock.advance(2 * DEADLINE)
        if ahead is not None:
            check.compare("Balance", bench.clock() + ahead)
        # when the service handles what is due
        ticking = asyncio.create_task(service._tick(bench.engine, asyncio.Event()))
        await asyncio.sleep(0.3)
        ticking.cancel()
        await asyncio.wait([ticking])
        # then it becomes a dead letter only if other clocks agree
        assert bool(await bench.dead_letters()) == ends


async def test_a_change_at_the_moment_of_the_stop_does_not_keep_a_service_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TICK", 0.0)
    async with open_bench(tmp_path, Handlers((), {}, Script())) as bench:
        changed = Waited()
        ticking = asyncio.create_task(service._tick(bench.engine, changed))
        await changed.is_waited_for.wait()
        changed.set()
        ticking.cancel()
        ended, _ = await asyncio.wait([ticking], timeout=10)
        assert ended == {ticking}


class Waited(asyncio.Event):
    """An event that shows when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waited_for = asyncio.Event()

    async def wait(self) -> Literal[True]:
        """Wait, and show it."""
        self.is_waited_for.set()
        return await super().wait()
