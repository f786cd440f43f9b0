"""Faults in what was read: shown as a dead letter while they stand, overtaken by themselves when they are gone."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from contracts.model import Part
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State


class Fault(Part):
    """Something that was read and that only a person can mend."""

    reason: Reason
    detail: str
    payload: dict[str, Any] = Field(default_factory=dict)


FAULT = Kind("fault", Fault)


def report_fault(work: Work, subject: str, fault: Fault) -> None:
    """Show a fault: its subject is decided with `decide_fault`."""
    work.put(FAULT, subject, fault)
    work.touch(subject)


def clear_fault(work: Work, subject: str) -> None:
    """The fault is gone."""
    work.drop(FAULT, subject)
    work.touch(subject)


def decide_fault(subject: str, state: State) -> Decision:
    """A refusal while the fault stands, nothing when it is gone."""
    fault = state.get(FAULT, subject)
    if fault is None:
        return NOTHING
    delivery = Delivery(id=f"fault:{subject}", kind="fault", lane="", key=subject, payload=fault.payload)
    return Decision(refuse=(Refusal(delivery, fault.reason, fault.detail),))
