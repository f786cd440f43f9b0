"""Errors of the API as problem details (RFC 9457), each with a reason code that never changes its meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, Field

from services.settings.translation import Language, translator

MEDIA_TYPE = "application/problem+json"


def _(text: str) -> str:
    return text


class ProblemCode(StrEnum):
    """Why a request was not answered."""

    TOKEN_MISSING = "api.token-missing"
    TOKEN_INVALID = "api.token-invalid"
    SCOPE_MISSING = "api.scope-missing"
    NOT_PERMITTED = "api.not-permitted"
    UNKNOWN_ADDRESS = "api.unknown-address"
    UNKNOWN_RESOURCE = "api.unknown-resource"
    WRONG_METHOD = "api.wrong-method"
    PARAMETER_INVALID = "api.parameter-invalid"
    CURSOR_INVALID = "api.cursor-invalid"
    KEY_REUSED = "api.idempotency-key-reused"
    NO_LONGER_OPEN = "api.no-longer-open"
    COMMAND_NOT_SENT = "api.command-not-sent"
    BODY_TOO_LARGE = "api.body-too-large"
    TOO_MANY_STREAMS = "api.too-many-streams"
    FAILED = "api.failed"
    UNAVAILABLE = "api.unavailable"


@dataclass(frozen=True, slots=True)
class ProblemText:
    """The status of a problem, and in English (the catalogue has Georgian): what happened, and what to do."""

    status: int
    title: str
    fix: str


TEXTS: Mapping[ProblemCode, ProblemText] = {
    ProblemCode.TOKEN_MISSING: ProblemText(
        401,
        _("The request has no token."),
        _("Send the header Authorization: Bearer TOKEN. An administrator makes tokens in the console."),
    ),
    ProblemCode.TOKEN_INVALID: ProblemText(
        401,
        _("The token is unknown, has expired or was revoked, or its person may no longer sign in."),
        _("Ask an administrator of the console for a new token."),
    ),
    ProblemCode.SCOPE_MISSING: ProblemText(
        403,
        _("The token does not have the scope that this request needs."),
        _("Ask an administrator of the console for a token with this scope."),
    ),
    ProblemCode.NOT_PERMITTED: ProblemText(
        403,
        _("The roles of the token's person do not permit this request."),
        _("Ask an administrator of the console for a token of a person with one of the roles that permit it."),
    ),
    ProblemCode.UNKNOWN_ADDRESS: ProblemText(
        404,
        _("There is no such address in the API."),
        _("Compare the address with the OpenAPI document."),
    ),
    ProblemCode.UNKNOWN_RESOURCE: ProblemText(
        404,
        _("What the address names is not known."),
        _("Check its identifier. Davtari may not have read it yet: look at behind in as_of, and ask again."),
    ),
    ProblemCode.WRONG_METHOD: ProblemText(
        405,
        _("The address does not accept this method."),
        _("Use one of the methods in the header Allow."),
    ),
    ProblemCode.PARAMETER_INVALID: ProblemText(
        400,
        _("A parameter of the request is unknown, or its value makes no sense."),
        _("Correct the parameters that are listed in errors."),
    ),
    ProblemCode.CURSOR_INVALID: ProblemText(
        400,
        _("The cursor does not belong to this list with these filters."),
        _("Pass the value of next from a page with the same filters, or begin again without a cursor."),
    ),
    ProblemCode.KEY_REUSED: ProblemText(
        409,
        _("The Idempotency-Key was used for another request."),
        _("Choose another key for each command; repeat a request with exactly the same address and body."),
    ),
    ProblemCode.NO_LONGER_OPEN: ProblemText(
        409,
        _("What the command is about is no longer open."),
        _("Read it again: somebody has dealt with it, or it was resolved by itself."),
    ),
    ProblemCode.COMMAND_NOT_SENT: ProblemText(
        503,
        _("It is not known whether the command was sent."),
        _("Repeat the request with the same Idempotency-Key: the command is carried out once."),
    ),
    ProblemCode.BODY_TOO_LARGE: ProblemText(
        413,
        _("The body of the request is larger than the API accepts."),
        _("Send less at a time."),
    ),
    ProblemCode.TOO_MANY_STREAMS: ProblemText(
        429,
        _("As many clients follow the changes as may."),
        _("Close streams that nobody reads, or try again later."),
    ),
    ProblemCode.FAILED: ProblemText(
        500,
        _("The console could not answer the request."),
        _("Try again. If it happens again, give the number in detail to whoever runs Davtari: it is in the log."),
    ),
    ProblemCode.UNAVAILABLE: ProblemText(
        503,
        _("A database of the console does not answer at the moment."),
        _("Try again after the seconds in the header Retry-After. The services work without the console."),
    ),
}


class ParameterError(BaseModel):
    """What is wrong with one parameter of a request."""

    parameter: str
    detail: str


class ProblemDocument(BaseModel):
    """Problem details of RFC 9457. `type` is an address that explains the code; `reason` is the code itself."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    reason: str = Field(description="a code that never changes its meaning; new ones may be added")
    fix: str
    errors: list[ParameterError] = Field(default_factory=list)


class ProblemExplanation(BaseModel):
    """What a problem's code means, and what to do."""

    reason: str
    status: int
    title: str
    fix: str


@dataclass(slots=True)
class ApiProblem(Exception):
    """Ends a request with a problem. `detail` is about this request, in English."""

    code: ProblemCode
    detail: str
    errors: Sequence[ParameterError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def explain(code: ProblemCode, language: Language) -> ProblemExplanation:
    """The meaning of a code in a language."""
    text, translate = TEXTS[code], translator(language)
    return ProblemExplanation(reason=code, status=text.status, title=translate(text.title), fix=translate(text.fix))


def describe(problem: ApiProblem, address: str, instance: str, language: Language) -> ProblemDocument:
    """The document of a problem. `address` is that of the console, `instance` the path of the request."""
    known = explain(problem.code, language)
    return ProblemDocument(
        type=f"{address}/api/v1/problems/{problem.code}",
        title=known.title,
        status=known.status,
        detail=problem.detail,
        instance=instance,
        reason=problem.code,
        fix=known.fix,
        errors=list(problem.errors),
    )
