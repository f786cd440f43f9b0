"""Who calls: the token of a request, its scopes, and the roles of its person."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from services.console.access.audit import write_audit
from services.console.access.roles import Permission, roles_with
from services.console.access.tokens import ApiToken, Scope, read_token
from services.console.access.users import ConsoleUser
from services.console.api.context import ApiContext, context_of
from services.console.api.problems import ApiProblem, ProblemCode

SCHEME = "Bearer"
Challenge = dict[str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    """The token of a request with its person."""

    token: ApiToken
    user: ConsoleUser

    def require(self, scope: Scope, permission: Permission) -> None:
        """Raise `ApiProblem` unless the token has the scope and the person's roles permit it."""
        if scope not in self.token.scopes:
            detail = f"the token {self.token.name} does not have the scope {scope}"
            raise ApiProblem(ProblemCode.SCOPE_MISSING, detail, headers=_challenge("insufficient_scope", scope))
        if not self.user.may(permission):
            roles = ", ".join(roles_with(permission))
            raise ApiProblem(ProblemCode.NOT_PERMITTED, f"one of these roles is needed: {roles}")


def given_token(request: Request) -> str:
    """The token in the request. Raises `ApiProblem`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise ApiProblem(
            ProblemCode.TOKEN_MISSING, "the header Authorization is missing", headers={"www-authenticate": SCHEME}
        )
    if scheme.lower() != SCHEME.lower() or not token.strip():
        detail = "the header Authorization is not of the form: Bearer TOKEN"
        raise ApiProblem(ProblemCode.TOKEN_MISSING, detail, headers=_challenge("invalid_request"))
    return token.strip()


def _challenge(error: str, scope: str = "") -> Challenge:
    parts = [f'error="{error}"', *([f'scope="{scope}"'] if scope else [])]
    return {"www-authenticate": f"{SCHEME} {', '.join(parts)}"}


async def identify(context: ApiContext, token: str) -> Caller:
    """The caller with this token. Raises `ApiProblem` unless it is valid now."""
    async with context.access.read() as connection:
        found = await read_token(connection, token, context.clock())
    if found is None:
        detail = "no valid token has this value"
        raise ApiProblem(ProblemCode.TOKEN_INVALID, detail, headers=_challenge("invalid_token"))
    return Caller(*found)


async def read_caller(request: Request) -> Caller:
    """The caller of a request. Raises `ApiProblem`."""
    return await identify(context_of(request), given_token(request))


CallerOf = Annotated[Caller, Depends(read_caller)]
"""A parameter that is the caller; only a valid token passes."""


def needs(permission: Permission) -> Callable[[Caller], Coroutine[Any, Any, Caller]]:
    """A dependency: the caller may read what requires this permission."""

    async def require(caller: CallerOf) -> Caller:
        caller.require(Scope.READ, permission)
        return caller

    return require


FigureReader = Annotated[Caller, Depends(needs(Permission.SEE_FIGURES))]
"""A caller that may read figures."""


async def reveal_people(context: ApiContext, caller: Caller, subject: str) -> None:
    """Let a caller see people unmasked, and write it into the audit log. Raises `ApiProblem`."""
    caller.require(Scope.PEOPLE, Permission.SEE_PEOPLE)
    async with context.access.write() as connection:
        reason = f"API token {caller.token.name}"
        await write_audit(connection, context.clock(), caller.user.name, "see-people", subject, reason, result="done")
