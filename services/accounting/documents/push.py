"""Pushes: a person requests the document of one order or refund now. `CommandSettled` answers each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import CommandSettled, PushRequested
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

Mode = Literal["off", "dry-run", "live"]
READING = timedelta(seconds=30)
"""How long store-feed has to read a pushed order before the push is answered as unknown."""


class Push(Part):
    """A push and this service's answer, if there is one."""

    command: PushRequested
    answered: Literal["done", "refused"] | None = None


class PushAnswer(Part):
    """This service's answer to a command."""

    outcome: Literal["done", "refused"]


PUSH = Kind("push", Push)
ANSWER = Kind("answer", PushAnswer)


def push_rules(service: str, document: Literal["order", "refund"]) -> Mapping[type[Event], Remember]:
    """The rules for pushes in the service that creates this kind of document."""

    def asked(envelope: Envelope[PushRequested], state: State) -> None:
        if envelope.data.document == document:
            _keep(envelope.data, state)
            state.touch(_subject(envelope.data))

    def answered(envelope: Envelope[CommandSettled], state: State) -> None:
        event = envelope.data
        if event.service == service:
            state.put(ANSWER, event.command_id, PushAnswer(outcome=event.outcome))
            if push := state.get(PUSH, event.command_id):
                _keep(push.command, state)

    return {PushRequested: asked, CommandSettled: answered}


def _keep(command: PushRequested, state: State) -> None:
    answer = state.get(ANSWER, command.command_id)
    push = Push(command=command, answered=answer.outcome if answer else None)
    state.put(PUSH, command.command_id, push, ref=_subject(command))


def _subject(command: PushRequested) -> str:
    return order_key(command.shop, command.order_id)


def pushes_of(subject: str, state: State) -> tuple[Push, ...]:
    """The pushes of an order that were not refused."""
    return tuple(push for push in state.find(PUSH, subject).values() if push.answered != "refused")


def wants_document(pushes: Iterable[Push]) -> bool:
    """Whether a push asks for the document itself, not only for its plan."""
    return any(not push.command.dry_run for push in pushes)


def wants_plan(pushes: Iterable[Push]) -> bool:
    """Whether an unanswered push asks for the plan of the document."""
    return any(push.command.dry_run and push.answered is None for push in pushes)


def wait_until(pushes: Iterable[Push], now: datetime) -> datetime | None:
    """Until when to wait for an unknown order that was just pushed; None if the wait is over."""
    ends = (push.command.asked_at + READING for push in pushes if push.answered is None)
    return max((end for end in ends if end > now), default=None)


def build_answers(
    pushes: Iterable[Push], service: str, mode: Mode, known: bool, now: datetime, *, problem: str = "", waits: str = ""
) -> tuple[CommandSettled, ...]:
    """The answers to pushes without one. A push does not override a flow that is off or in dry-run.

    `problem` is why there can be no document, `waits` what it waits for.
    """
    return tuple(
        _answer(push.command, service, _verdict(push.command, mode, known, problem, waits), now)
        for push in pushes
        if push.answered is None
    )


Verdict = tuple[Literal["done", "refused"], str]


def _verdict(command: PushRequested, mode: Mode, known: bool, problem: str, waits: str) -> Verdict:
    if not known:
        return "refused", "not known here: is the number right?"
    if mode == "off":
        return "refused", f'shops.{command.shop}.flows.{command.document}s is "off": nothing is made'
    if problem:
        return "refused", problem
    if waits:
        return ("refused", f"cannot be planned yet: {waits}") if command.dry_run else ("done", f"waits: {waits}")
    if command.dry_run or mode == "dry-run":
        return "done", "planned; nothing is written to Balance"
    return "done", "on its way to Balance, unless it is there already"


def _answer(command: PushRequested, service: str, verdict: Verdict, now: datetime) -> CommandSettled:
    what = f"{command.document} {command.refund_id or command.order_id} of shop {command.shop}"
    return CommandSettled(
        command_id=command.command_id,
        service=service,
        outcome=verdict[0],
        detail=f"{what}: {verdict[1]}",
        settled_at=now,
    )
