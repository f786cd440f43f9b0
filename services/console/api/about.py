"""What the API says about itself: its document, its problems, the token that is used, how much has been read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from contracts.model import Instant
from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope
from services.console.api.answers import Answer, Resource, read_as_of, reply
from services.console.api.callers import CallerOf
from services.console.api.context import context_of
from services.console.api.languages import language_of
from services.console.api.problems import ApiProblem, ProblemCode, ProblemExplanation, explain
from services.console.api.routes import ApiRoute

router = APIRouter(prefix="/v1", tags=["about"], route_class=ApiRoute)
PUBLIC = {"x-public": True}


class TokenResource(Resource):
    """The token of the request."""

    id: str
    name: str
    person: str
    roles: list[ConsoleRole]
    scopes: list[Scope]
    expires_at: Instant


class TokenAnswer(Answer):
    """The token of the request, and what the query database reflects."""

    token: TokenResource


@router.get("/token", response_model=TokenAnswer, summary="Read the token in use")
async def show_token(request: Request, caller: CallerOf) -> Response:
    """What the token of this request allows, and until when."""
    context, token = context_of(request), caller.token
    async with context.open_view() as connection:
        as_of = await read_as_of(connection, context)
    shown = TokenResource(
        id=token.id,
        name=token.name,
        person=token.user,
        roles=list(caller.user.roles),
        scopes=list(token.scopes),
        expires_at=token.expires_at,
    )
    return reply(request, TokenAnswer(as_of=as_of, token=shown))


@router.get("/problems/{code}", response_model=ProblemExplanation, summary="Explain a problem", openapi_extra=PUBLIC)
async def show_problem(request: Request, code: str) -> Response:
    """What the code of a problem means, and what to do. Needs no token."""
    if code not in set(ProblemCode):
        raise ApiProblem(ProblemCode.UNKNOWN_RESOURCE, "no problem has this code")
    language = language_of(request)
    body = explain(ProblemCode(code), language).model_dump_json()
    return Response(body, media_type="application/json", headers={"content-language": language})


@router.get("/openapi.json", summary="Read this document", openapi_extra=PUBLIC)
async def show_document(request: Request) -> JSONResponse:
    """The OpenAPI document of the API. Needs no token."""
    return JSONResponse(request.app.openapi())
