"""A rule that can be set aside while what it asks for is being loaded, and goes on where it was.

The rules of a batch take turns, so one may change what another, set aside, has read already. That other one starts
again once it has come to its end, or to an error: what it says then rests on nothing that has changed meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from contracts.envelope import Cause
from services.shared.state.attempt import Attempt, NotLoaded
from services.shared.state.session import Session

ResultT = TypeVar("ResultT")
MOST_IDLE = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """A rule came to its end, or to an error."""

    result: Any
    error: Exception | None = None


class Fiber(Generic[ResultT]):
    """One rule, run over a session. `result` holds once `resume` has given None."""

    result: ResultT

    def __init__(self, session: Session, rule: Callable[[], ResultT], cause: Cause | None = None) -> None:
        self._session, self._rule, self._cause = session, rule, cause or session.cause
        self._begin()

    def _begin(self) -> None:
        self._attempt = Attempt(self._session.changed, _suspend)
        self._said: tuple[Callable[[], ResultT], ...] = (self._rule,)
        self._greenlet = _idle.pop()

    def resume(self) -> NotLoaded | None:
        """Go on until something is missing, and say what; None at the end. Raises what the rule raises."""
        while True:
            said = self._go_on()
            if isinstance(said, NotLoaded):
                return said
            _idle.push(self._greenlet)
            if self._session.outdated(self._attempt):
                self._begin()
                continue
            if said.error is not None:
                raise said.error
            self.result = said.result
            self._session.keep(self._attempt, self._cause)
            return None

    def _go_on(self) -> NotLoaded | Ended:
        said, self._said = self._said, ()
        self._greenlet.parent = getcurrent()
        before, self._session.attempt = self._session.attempt, self._attempt
        try:
            return self._greenlet.switch(*said)  # type: ignore[no-any-return]
        finally:
            self._session.attempt = before


def _suspend(miss: NotLoaded) -> None:
    getcurrent().parent.switch(miss)


class _Idle(threading.local):
    """Greenlets that wait for their next rule: making one costs ten times as much as switching to it."""

    def __init__(self) -> None:
        self._waiting: list[greenlet] = []

    def pop(self) -> greenlet:
        found = self._waiting.pop() if self._waiting else greenlet(_one_after_the_other)
        found.gr_context = copy_context()
        return found

    def push(self, spare: greenlet) -> None:
        if len(self._waiting) < MOST_IDLE:
            self._waiting.append(spare)


_idle = _Idle()


def _one_after_the_other(rule: Callable[[], Any]) -> None:
    while True:
        rule = getcurrent().parent.switch(_end_of(rule))


def _end_of(rule: Callable[[], Any]) -> Ended:
    try:
        return Ended(rule())
    except Exception as error:
        return Ended(None, error)
