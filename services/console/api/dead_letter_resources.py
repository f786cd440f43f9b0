"""Dead letters and histories as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import computed_field

from contracts.model import Instant
from contracts.reason_texts import Owner
from services.console.api.answers import Answer, Resource, Text
from services.console.model.dead_letters import DeadLetterState


class HistoryResource(Resource):
    """One line of a history. `event` and `type` identify the event; an attempt before it has no event of its own."""

    at: Instant
    source: str
    message: Text
    event: str
    type: str
    is_attempt: bool


class DeadLetterResource(Resource):
    """A dead letter. `since`: its first failure, `at`: the last one.

    `closed_…`: when and why it was closed, and who did it.
    """

    id: str
    state: DeadLetterState
    reason: str
    owner: str
    detail: str
    about: str
    service: str
    subject: str
    shop: str | None
    order_id: int | None
    since: Instant
    at: Instant
    replays: int
    closed_at: Instant | None
    closed_by: str
    closed_why: str
    replacement: str

    @computed_field(description="the path of everything about the dead letter")  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        """The path of everything about the dead letter."""
        return f"/api/v1/dead-letters/{self.id}"


class DeadLetterPage(Answer):
    """A page of dead letters, newest first. `next` is the cursor of the following page, null on the last one."""

    dead_letters: list[DeadLetterResource]
    next: str | None


class ReasonResource(Resource):
    """What a reason code means, in the language of the answer: its cause, its effect, and what to do."""

    owner: Owner
    resolves_by_itself: bool
    cause: str
    effect: str
    fix: str


class DeadLetterGroupResource(Resource):
    """The open dead letters of one reason in one shop (null: they belong to none).

    `explanation` is null for a code that this version does not know.
    """

    reason: str
    shop: str | None
    owner: str
    count: int
    oldest: Instant
    newest: Instant
    explanation: ReasonResource | None


class DeadLetterGroups(Answer):
    """The groups of open dead letters, the largest first."""

    groups: list[DeadLetterGroupResource]


class FailedDeliveryResource(Resource):
    """The delivery that was refused, with what it would have sent."""

    kind: str
    lane: str
    payload: dict[str, Any]
    blocked_on: str | None


class FailedRecordResource(Resource):
    """The record that could not be handled: where it is, and its bytes (base64)."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None


class DeadLetterDetailAnswer(Answer):
    """Everything about one dead letter.

    `delivery` and `record` may name a person: null unless people were asked for.
    """

    dead_letter: DeadLetterResource
    explanation: ReasonResource | None
    history: list[HistoryResource]
    delivery: FailedDeliveryResource | None
    record: FailedRecordResource | None
