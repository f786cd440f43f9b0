"""Commands as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from contracts.model import Instant, ShopId
from services.console.api.answers import Answer, Resource, Text
from services.console.api.parameters import ListParameters, Parameters, Word
from services.console.model.commands import CommandState

Why = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=r"^[^\x00-\x08\x0e-\x1f]*$")]


class ServiceAnswerResource(Resource):
    """The answer of a service to a command."""

    service: str
    outcome: Literal["done", "refused"]
    detail: str
    figures: dict[str, int]
    settled_at: Instant


class CommandResource(Resource):
    """A command with the answers of the services. Until it was read from its topic, only id and state are known."""

    command_id: str
    type: str = ""
    asked_by: str = ""
    asked_at: Instant | None = None
    message: Text = ""
    state: CommandState = "sent"
    answers: list[ServiceAnswerResource] = Field(default_factory=list)


class CommandAnswer(Answer):
    """One command."""

    command: CommandResource


class CommandPage(Answer):
    """A page of commands, newest first. `next` is the cursor of the following page, null on the last one."""

    commands: list[CommandResource]
    next: str | None


class AcceptedCommand(BaseModel):
    """A command that Kafka has stored; `url` is the path of its result."""

    command_id: str
    url: str


class CommandListParameters(ListParameters):
    """Filters of the list of commands."""

    asked_by: Word = ""
    type: Word = ""
    state: CommandState | None = None


class DiscardBody(Parameters):
    """Why a dead letter is given up."""

    why: Annotated[Why, Field(min_length=1)]


class ApprovalBody(Parameters):
    """A document that waits for approval. `whole_shape`: everything like it in this shop is approved from now on."""

    shop: ShopId
    document: Annotated[str, Field(max_length=200)]
    whole_shape: bool = False
    why: Why = ""
