"""Faults in data that was read: each is a dead letter while it exists, and closed when it is gone."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from contracts.model import Part
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State


class Fault(Part):
    """A fault in data that only a person can fix."""

    reason: Reason
    detail: str
    payload: dict[str, Any] = Field(default_factory=dict)


FAULT = Kind("fault", Fault)


def report_fault(work: Work, subject: str, fault: Fault) -> None:
    """Report a fault; its subject is decided with `decide_fault`."""
    work.put(FAULT, subject, fault)
    work.touch(subject)


def clear_fault(work: Work, subject: str) -> None:
    """Record that the fault is gone."""
    work.drop(FAULT, subject)
    work.touch(subject)


def decide_fault(subject: str, state: State) -> Decision:
    """A refusal while the fault exists, nothing when it is gone."""
    fault = state.get(FAULT, subject)
    if fault is None:
        return NOTHING
    delivery = Delivery(id=f"fault:{subject}", kind="fault", lane="", key=subject, payload=fault.payload)
    return Decision(refuse=(Refusal(delivery, fault.reason, fault.detail),))
