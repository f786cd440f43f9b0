"""A disk that cannot be written to and a clock that is days off are reported while that lasts, past the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

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
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench, wanted
from tests.outbox.shelf import NAME, NOW, handlers, of_envelope, put_on_shelf

FULL = "the disk is full: free some space"
SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@dataclass
class Log:
    """Stands in for Kafka: what was sent, or that nobody answers."""

    away: bool = False
    told: list[Envelope[Any]] = field(default_factory=list)

    async def send_and_wait(self, topic: str, *, value: bytes, key: bytes, headers: Any) -> None:
        if self.away:
            raise KafkaConnectionError("nobody there")
        self.told.append(decode(headers, value))

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one.data.condition, one.data.why) for one in self.told]


def watch(bench: Bench, log: Log) -> ConditionReporter:
    looks = {Reason.SERVICE_DISK: lambda: bench.database.failure, Reason.SERVICE_CLOCK: lambda: ""}
    return ConditionReporter(NAME, looks, bench.database, log, "davtari.", bench.clock)  # type: ignore[arg-type]


async def test_trouble_is_said_once_and_its_end_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        log = Log()
        conditions = watch(bench, log)
        await conditions.check()
        assert log.states == []
        bench.database.failure = FULL
        for _ in range(3):
            await conditions.check()
        assert log.states == [("troubled", FULL)]
        bench.database.failure = ""
        await conditions.check()
        await conditions.check()
        assert log.states == [("troubled", FULL), ("well", "")]


async def test_what_kafka_did_not_take_is_said_later(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        log = Log(away=True)
        conditions = watch(bench, log)
        bench.database.failure = FULL
        with pytest.raises(KafkaConnectionError):
            await conditions.check()
        log.away = False
        await conditions.check()
        assert log.states == [("troubled", FULL)]


async def test_a_service_that_was_killed_in_trouble_says_that_it_is_well(tmp_path: Path) -> None:
    async with open_bench(tmp_path, with_condition_rules(handlers())) as bench:
        said = state("troubled")
        await bench.take(of_envelope(said))
        log = Log()
        conditions = watch(bench, log)
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


def test_status_shows_what_was_said_last() -> None:
    later = NOW + timedelta(hours=1)
    said = [state("troubled"), state("troubled", service="alerts"), state("well", later)]
    [line] = shown.condition_lines(shown.troubled_services(said))
    assert "alerts" in line
    assert FULL in line


HOUR, DAYS = timedelta(hours=1), timedelta(days=3)
DATES = {
    "the same time": (timedelta(), {}, ""),
    "an hour off": (HOUR, {}, ""),
    "days ahead": (DAYS, {}, "3.0 days ahead"),
    "days behind": (-DAYS, {}, "3.0 days behind"),
    "days behind, out of a cache that says so": (-DAYS, {"age": str(3 * 86400)}, ""),
}


@pytest.fixture
def check() -> Iterator[ClockCheck]:
    yield ClockCheck(lambda: SINCE)


@pytest.mark.parametrize(("ahead", "more", "told"), DATES.values(), ids=DATES)
def test_a_clock_is_compared_with_those_who_answer(
    check: ClockCheck, ahead: timedelta, more: dict[str, str], told: str
) -> None:
    assert not check.is_compared
    check.compare_http("Balance", {"date": format_datetime(SINCE + ahead)} | more)
    assert check.is_compared
    assert (told in check.problem, bool(check.problem)) == (True, bool(told))


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": "Mon, 02 Mar 2026 08:30:00 GMT", "age": "?"}])
def test_an_answer_without_a_date_says_nothing(check: ClockCheck, headers: dict[str, str]) -> None:
    check.compare_http("Balance", headers)
    assert (check.is_compared, check.problem) == (False, "")


def test_old_records_say_nothing_and_records_of_the_future_do(check: ClockCheck) -> None:
    check.compare_record("Kafka", int((SINCE - DAYS).timestamp() * 1000))
    assert check.problem == ""
    check.compare_record("Kafka", int((SINCE + DAYS).timestamp() * 1000))
    assert "Kafka is 3.0 days ahead" in check.problem
    check.compare_record("Kafka", int(SINCE.timestamp() * 1000))
    assert check.problem == ""


def test_it_is_well_again_when_all_agree(check: ClockCheck) -> None:
    for ahead, trouble in ((DAYS, True), (timedelta(), False)):
        check.compare_http("Balance", {"date": format_datetime(SINCE + ahead)})
        assert bool(check.problem) == trouble


class Post(RecipientAddress):
    """An address whose messages are kept here."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.takes = True

    async def send(self, message: Message, id_: str, *, resolved: bool = False) -> bool:
        if self.takes:
            self.got.append(message)
        return self.takes


async def test_the_alerts_service_tells_of_its_own_disk_past_its_outbox(tmp_path: Path) -> None:
    nino = RecipientSettings(url_file=Path("unused"), roles=("integrator",))
    post = Post()
    alarm = OwnDiskWatch(AlertSettings(recipients={"nino": nino}), {"nino": post})
    async with open_bench(tmp_path) as bench:
        await alarm.check(bench.engine)
        assert post.got == []
        bench.database.failure, post.takes = FULL, False
        await alarm.check(bench.engine)
        post.takes = True
        for _ in range(3):
            await alarm.check(bench.engine)
        [message] = post.got
        assert FULL in message.body
        assert deliveries.DISK_CAUSE.name in message.title
        bench.database.failure = ""
        await alarm.check(bench.engine)
        bench.database.failure = FULL
        await alarm.check(bench.engine)
        assert len(post.got) == 2


CLOCKS = {
    "nothing was compared yet": (None, False),
    "ours is days off": (DAYS, False),
    "all agree": (timedelta(), True),
}


@pytest.mark.parametrize(("ahead", "ends"), CLOCKS.values(), ids=CLOCKS)
async def test_no_deadline_passes_by_a_clock_that_is_not_relied_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: timedelta | None, *, ends: bool
) -> None:
    script = Script()
    async with open_bench(tmp_path, Handlers((), {}, script)) as bench:
        check = ClockCheck(bench.clock)
        monkeypatch.setattr(service, "PROCESS_CLOCK_CHECK", check)
        # given a delivery that has been blocked for longer than it may be, by our clock
        blocked = Blocked("a-thing", Reason.SALE_ITEM_NOT_LINKED, "no link")
        await wanted(bench, script, replace(put_on_shelf("a"), blocked=blocked))
        bench.clock.advance(2 * DEADLINE)
        if ahead is not None:
            check.compare("Balance", bench.clock() + ahead)
        # when the service looks at what has become due
        ticking = asyncio.create_task(service._tick(bench.engine))
        await asyncio.sleep(0.3)
        ticking.cancel()
        await asyncio.wait([ticking])
        # then it becomes a dead letter only by a clock that others agree with
        assert bool(await bench.letters()) == ends
