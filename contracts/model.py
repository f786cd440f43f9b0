"""The basis of every part of an event: frozen models, exact money, aware time."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema

from contracts.json_text import keep_plain

ABSURD = Decimal(10) ** 12
"""No amount or quantity of a shop reaches this; one that does is an error upstream."""

FINEST = 40
"""Powers of ten that arithmetic in 28 digits may reach; 0e-400000000 would fill the memory when it is written out."""


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _writable(value: Decimal) -> Decimal:
    if abs(value.adjusted()) > FINEST:
        raise ValueError("a number too fine to be written out")
    return value


FIRST_MOMENT, LAST_MOMENT = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
"""Between them a moment exists in every time zone, also a day earlier or later."""


def to_utc(value: datetime) -> datetime:
    """The moment in UTC. Raises `ValueError` for one that does not exist in every time zone."""
    try:
        found = value.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not FIRST_MOMENT <= found <= LAST_MOMENT:
        raise ValueError("a moment outside of the years 1 to 9999 in UTC")
    return found


SMALLEST, BEYOND = -(2**63), 2**63


class _WithoutLimits:
    """Leaves the limits of `Whole` out of the schema: the released schemas do not have them."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        limits = (("minimum", SMALLEST), ("exclusiveMaximum", BEYOND))
        return {name: value for name, value in handler(schema).items() if (name, value) not in limits}


Whole = Annotated[int, Field(ge=SMALLEST, lt=BEYOND), _WithoutLimits()]
"""An integer that every reader and database takes."""
Count = Annotated[int, Field(ge=0, lt=BEYOND), _WithoutLimits()]
Content = Annotated[dict[str, Any], AfterValidator(keep_plain)]
"""JSON with any fields."""
Exact = Annotated[
    Decimal,
    Field(allow_inf_nan=False, gt=-ABSURD, lt=ABSURD),
    PlainSerializer(_plain, return_type=str, when_used="json"),
    AfterValidator(_writable),
]
Money = Annotated[Exact, Field(description="An exact amount in the currency that is stated beside it.")]
Quantity = Annotated[Exact, Field(description="An exact quantity in the item's base unit.")]
Instant = Annotated[AwareDatetime, AfterValidator(to_utc), Field(description="A moment in UTC.")]
Uid = Annotated[str, Field(min_length=1, max_length=64, description="A Balance uid (GUID, lower case).")]
Sealed = Annotated[
    str | None,
    Field(description="`person`, sealed under a key of the person: a JWE (RFC 7516); see contracts/README.md, People"),
]
ShopId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="The short id of a shop.")]


class Part(BaseModel):
    """A value inside an event. Unknown fields are ignored, so that a later optional field breaks no reader.

    Errors do not repeat what was given: it may be personal data, and errors are logged.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


class Event(Part):
    """Something that happened, as the data of one CloudEvent.

    Each subclass names its `TYPE` (with the version of its schema) and the `TOPIC` it goes to.
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    @property
    def key(self) -> str:
        """The Kafka key: all events of one key stay in order."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What the event is about; versions grow by one per subject and topic."""
        return self.key

    def content(self) -> dict[str, Any]:
        """The event's data as JSON-ready values."""
        return self.model_dump(mode="json")
