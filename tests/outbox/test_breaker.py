"""The breaker of an upstream and the computation of waits, at times that the test chooses."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reasons import Reason
from services.engine.backoff import LONGEST_WAIT, UNKNOWN_LONGEST, unavailable_wait, unknown_wait
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.outcome import Outcome, Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import (
    ACCESS_PAUSE,
    AccessDenied,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
    outcome_of,
)


@pytest.fixture
def breaker() -> Breaker:
    """A breaker that waits 10 s after the first failure, 20 s after the second, and so on."""
    return Breaker(wait=lambda failures: 10.0 * failures)


def test_a_closed_breaker_admits_every_call(breaker: Breaker) -> None:
    assert [breaker.admit(now) for now in (0, 0, 0)] == [True, True, True]
    assert (breaker.state(0), breaker.pause(0)) == ("closed", 0)


def test_an_open_breaker_admits_no_call_until_its_time(breaker: Breaker) -> None:
    breaker.failed(100, "503")
    assert [breaker.admit(now) for now in (100, 109.9)] == [False, False]
    assert (breaker.pause(104), breaker.why) == (6, "503")


def test_a_half_open_breaker_admits_one_probe(breaker: Breaker) -> None:
    breaker.failed(100, "503")
    assert [breaker.admit(110), breaker.admit(110), breaker.admit(500)] == [True, False, False]


def test_a_probe_in_progress_is_waited_for(breaker: Breaker) -> None:
    breaker.failed(100, "503")
    assert breaker.pause(110) == 0
    breaker.admit(110)
    assert breaker.pause(110) > 0


def test_a_successful_probe_closes_the_breaker(breaker: Breaker) -> None:
    breaker.failed(100, "503")
    breaker.admit(110)
    breaker.succeeded(111)
    assert (breaker.state(111), breaker.admit(111), breaker.failures) == ("closed", True, 0)


def test_a_failed_probe_opens_the_breaker_for_longer(breaker: Breaker) -> None:
    breaker.failed(100, "503")
    breaker.admit(110)
    breaker.failed(111, "503 still")
    assert breaker.pause(111) == 20
    assert [breaker.admit(130.9), breaker.admit(131)] == [False, True]


def test_calls_sent_before_it_opened_count_as_one_failure(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.failed(100, "503")
    assert (breaker.failures, breaker.pause(100)) == (1, 10)


def test_retry_after_of_the_upstream_takes_precedence(breaker: Breaker) -> None:
    breaker.failed(100, "429", after=37)
    assert breaker.pause(100) == 37


def test_an_answer_to_an_earlier_call_does_not_shorten_retry_after(breaker: Breaker) -> None:
    breaker.failed(100, "429", after=37)
    breaker.succeeded(101)
    assert (breaker.state(101), breaker.pause(101)) == ("open", 36)


@pytest.mark.claim("K16")
@pytest.mark.parametrize(("wait", "after"), [(300.0, None), (1.0, 600.0), (1.0, 3600.0), (1e9, None)])
def test_a_breaker_never_waits_longer_than_a_minute(wait: float, after: float | None) -> None:
    breaker = Breaker(lambda _: wait)
    for failures in range(1, 30):
        now = 1000.0 * failures
        breaker.failed(now, "503", after)
        assert breaker.pause(now) <= LONGEST_WAIT < 60


def test_an_answer_to_another_call_admits_the_next_call_at_once(breaker: Breaker) -> None:
    woken: list[str] = []
    breaker.on_half_open.append(lambda: woken.append("a lane"))
    breaker.failed(100, "503", after=600)
    breaker.answered(101)
    assert (breaker.state(101), breaker.pause(101), breaker.admit(101)) == ("half-open", 0, True)
    breaker.succeeded(102)
    assert (breaker.state(102), woken) == ("closed", ["a lane"])


def test_an_answer_to_a_call_sent_before_it_opened_is_ignored(breaker: Breaker) -> None:
    breaker.failed(100, "503", after=600)
    breaker.answered(99)
    assert breaker.state(101) == "open"


def test_an_answer_does_not_change_a_closed_breaker(breaker: Breaker) -> None:
    breaker.on_half_open.append(lambda: pytest.fail("woken for nothing"))
    breaker.answered(100)
    assert breaker.state(100) == "closed"


def test_calls_that_fail_while_others_are_answered_are_tried_less_and_less_often() -> None:
    breaker, now, tries = Breaker(lambda _: LONGEST_WAIT), 100.0, list[float]()
    breaker.failed(now, "403 to every write")
    while now < 1000:
        now += 0.5  # reads are answered all the time
        breaker.answered(now)
        if breaker.admit(now):
            tries.append(now)
            breaker.failed(now, "403 to every write")
    pauses = [round(later - earlier) for earlier, later in pairwise(tries)]
    assert pauses[:4] == [5, 10, 20, 40]
    assert set(pauses[4:]) == {round(LONGEST_WAIT)}
    breaker.admit(now + LONGEST_WAIT)
    breaker.succeeded(now + LONGEST_WAIT)
    breaker.failed(now + 100, "503")
    breaker.answered(now + 101)
    assert breaker.state(now + 101) == "half-open"


@given(failures=st.integers(1, 10_000), first=st.floats(0.01, 10), longest=st.floats(0.1, 3600))
def test_a_wait_never_exceeds_the_maximum(failures: int, first: float, longest: float) -> None:
    assert 0 <= unavailable_wait(failures, first, longest) <= longest


@pytest.mark.claim("S0.19")
def test_waits_grow_with_full_jitter() -> None:
    ceilings = [max(unavailable_wait(failures, 1.0, 300.0) for _ in range(400)) for failures in (1, 3, 6, 12)]
    lowest = min(unavailable_wait(12, 1.0, 300.0) for _ in range(400))
    assert ceilings == sorted(ceilings)
    assert [0.5 < ceilings[0] <= 2, 2 < ceilings[1] <= 8, 200 < ceilings[3] <= 300, lowest < 60] == [True] * 4


@pytest.mark.parametrize(
    ("unknowns", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (10, 600), (5000, UNKNOWN_LONGEST)]
)
def test_an_unknown_outcome_is_checked_after(unknowns: int, seconds: float) -> None:
    assert unknown_wait(unknowns) == seconds


def test_the_configured_waits_reach_the_breaker() -> None:
    breaker = Breaker(partial(unavailable_wait, first=0.001, longest=0.002))
    breaker.failed(0, "503")
    assert breaker.pause(0) <= 0.002


OUTCOMES: list[tuple[UpstreamError, Outcome]] = [
    (Unavailable("503", retry_after=9.0), Retry("503", 9.0)),
    (AccessDenied("401"), Retry("401", ACCESS_PAUSE)),
    (UnknownOutcome("timed out"), Unknown("timed out")),
    (Rejected("no", reason=Reason.SHOP_REFUSED), Refused(Reason.SHOP_REFUSED, "no")),
    (UpstreamError("something new"), Unknown("something new")),
]


@pytest.mark.parametrize(("error", "outcome"), OUTCOMES, ids=[type(error).__name__ for error, _ in OUTCOMES])
def test_each_error_has_its_outcome(error: UpstreamError, outcome: Outcome) -> None:
    assert outcome_of(error) == outcome
