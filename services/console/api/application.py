"""The application of the API: its routes, its problems, and its OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from contracts.validation import problem
from services.console.api import about, books, catalogue, changes, commands, dead_letters, orders
from services.console.api.body_limit import BodyLimit
from services.console.api.context import ApiContext
from services.console.api.document import describe_problems
from services.console.api.problems import ApiProblem, ParameterError, ProblemCode
from services.console.api.routes import answer_problem

VERSION = "1.0.0"
"""Of the API: the second figure grows with every new resource or field, the first never."""
ABOUT = """\
What Davtari knows of orders, documents, dead letters, items, stock, days and commands. \
Every answer names in `as_of` what it reflects. \
Lists have pages: pass `next` as `after`. Errors are problem details (RFC 9457) with a reason code. \
Amounts are decimal texts, times are in UTC; texts for people are in English or Georgian, as Accept-Language says."""
HTTP_CODES = {
    400: ProblemCode.PARAMETER_INVALID,
    404: ProblemCode.UNKNOWN_ADDRESS,
    405: ProblemCode.WRONG_METHOD,
    413: ProblemCode.BODY_TOO_LARGE,
}


class ConsoleApi(FastAPI):
    """FastAPI with the document of this API."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            made = get_openapi(
                title="Davtari", version=VERSION, description=ABOUT, routes=self.routes, servers=[{"url": "/api"}]
            )
            self.openapi_schema = describe_problems(made)
        return self.openapi_schema


def create_api(context: ApiContext) -> ConsoleApi:
    """The application, to be mounted at `/api`."""
    api = build_api()
    api.state.context = context
    return api


def build_api() -> ConsoleApi:
    """The application without a service: enough for its document."""
    api = ConsoleApi(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.add_middleware(BodyLimit)
    for module in (orders, dead_letters, books, catalogue, commands, changes, about):
        api.include_router(module.router)
    api.add_exception_handler(ApiProblem, answer_problem)
    api.add_exception_handler(HTTPException, _answer_http_error)
    api.add_exception_handler(RequestValidationError, _answer_invalid)
    return api


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """An address without a route, or a method that it does not accept."""
    assert isinstance(error, HTTPException)
    code = HTTP_CODES[error.status_code]
    detail = f"{request.method} {request.url.path[:200]}"
    return await answer_problem(request, ApiProblem(code, detail, headers=error.headers or {}))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [ParameterError(parameter=_name(one["loc"]), detail=problem(one)) for one in error.errors()]
    detail = f"{len(errors)} of the parameters cannot be used"
    return await answer_problem(request, ApiProblem(ProblemCode.PARAMETER_INVALID, detail, errors))


def _name(location: tuple[int | str, ...]) -> str:
    """The parameter of an error: without the part of the request that it was in."""
    return ".".join(str(step) for step in location[1:])[:100]
