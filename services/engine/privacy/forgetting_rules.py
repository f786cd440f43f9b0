"""The rules for the command to forget a person: every service carries it out once, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import CommandSettled
from contracts.privacy import ForgetRequested
from services.engine.outbox.handlers import Remember
from services.engine.outbox.row import dump_cause
from services.engine.state.records import Kind, State


class PendingErasure(Part):
    """A person to be forgotten, and not answered yet. `cause`: the command, as in `services.engine.outbox.row`."""

    person_ref: str
    dry_run: bool
    cause: str | None


PENDING_ERASURE = Kind("forget", PendingErasure)
"""By command."""


def rules(service: str) -> Mapping[type[Event], Remember]:
    """The rules of this service."""
    return {ForgetRequested: _requested, CommandSettled: partial(_answered, service)}


def _requested(envelope: Envelope[ForgetRequested], state: State) -> None:
    command = envelope.data
    pending = PendingErasure(person_ref=command.person_ref, dry_run=command.dry_run, cause=dump_cause(envelope))
    state.put(PENDING_ERASURE, command.command_id, pending)


def _answered(service: str, envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == service:
        state.drop(PENDING_ERASURE, envelope.data.command_id)
