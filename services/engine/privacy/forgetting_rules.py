"""What the command to forget a person means at every service: it is carried out once, and answered."""

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


class Forgetting(Part):
    """A person to be forgotten, and not answered for yet. `cause`: the command, as `services.engine.outbox.row`."""

    person_ref: str
    dry_run: bool
    cause: str | None


FORGET = Kind("forget", Forgetting)
"""By command."""


def rules(service: str) -> Mapping[type[Event], Remember]:
    """The rules of this service."""
    return {ForgetRequested: _asked, CommandSettled: partial(_answered, service)}


def _asked(envelope: Envelope[ForgetRequested], state: State) -> None:
    command = envelope.data
    asked = Forgetting(person_ref=command.person_ref, dry_run=command.dry_run, cause=dump_cause(envelope))
    state.put(FORGET, command.command_id, asked)


def _answered(service: str, envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == service:
        state.drop(FORGET, envelope.data.command_id)
