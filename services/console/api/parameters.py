"""Parameters of requests: bounded, and none that is unknown."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.model import BEYOND
from services.console.api.cursors import LONGEST
from services.console.queries.page import LARGEST_LIMIT, LIMIT

Word = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A text without control characters."""
ShopPath = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="The short id of the shop.")]
NumberPath = Annotated[int, Path(ge=1, lt=BEYOND)]
Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT, description="The most items that a page has.")]
Cursor = Annotated[
    str | None,
    Field(max_length=LONGEST, description="`next` of the page before; only with the same filters."),
]


class Parameters(BaseModel):
    """The basis: a parameter that does not exist is refused, since ignoring a filter would answer something else."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ListParameters(Parameters):
    """Those of every list."""

    after: Cursor = None
    limit: Limit = LIMIT

    def filters(self) -> str:
        """What a cursor is bound to: everything but the place and size of the page."""
        return self.model_dump_json(exclude={"after", "limit"}, exclude_defaults=True)
