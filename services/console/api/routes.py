"""What all routes of the API share: failures become problems, and pages link to the next one."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from services.console.api.context import context_of
from services.console.api.languages import language_of
from services.console.api.problems import MEDIA_TYPE, ApiProblem, ProblemCode, describe
from services.console.queries.page import InvalidCursor

log = logging.getLogger(__name__)
Handle = Callable[[Request], Coroutine[Any, Any, Response]]
RETRY_SECONDS = 30
"""After which a client may ask again when a database does not answer."""


class ApiRoute(APIRoute):
    """A route whose failures are problems."""

    def get_route_handler(self) -> Handle:
        """The handler of a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (ApiProblem, HTTPException, RequestValidationError):
                raise
            except InvalidCursor as error:
                raise ApiProblem(ProblemCode.CURSOR_INVALID, str(error)) from None
            except SQLAlchemyError:
                log.exception("a database of the console does not answer", extra={"path": request.url.path})
                raise _unavailable() from None
            except Exception:
                raise _failure(request) from None

        return answer


def _unavailable() -> ApiProblem:
    headers = {"retry-after": str(RETRY_SECONDS)}
    return ApiProblem(ProblemCode.UNAVAILABLE, "the query database cannot be read", headers=headers)


def _failure(request: Request) -> ApiProblem:
    number = secrets.token_hex(4)
    log.exception("a request failed", extra={"number": number, "path": request.url.path})
    return ApiProblem(ProblemCode.FAILED, f"the error is in the log under the number {number}")


def link_to_next(request: Request, cursor: str | None) -> dict[str, str]:
    """The header with the address of the following page; none on the last one."""
    if cursor is None:
        return {}
    following = request.url.include_query_params(after=cursor)
    return {"link": f'<{following.path}?{following.query}>; rel="next"'}


async def answer_problem(request: Request, error: Exception) -> Response:
    """The response to a request that a problem has ended."""
    assert isinstance(error, ApiProblem)
    language = language_of(request)
    found = describe(error, context_of(request).address, request.url.path, language)
    headers = {"content-language": language, **error.headers}
    return Response(found.model_dump_json(), found.status, headers, MEDIA_TYPE)
