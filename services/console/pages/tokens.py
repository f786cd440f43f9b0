"""API tokens: list, make, revoke."""

from __future__ import annotations

from starlette.responses import Response

from services.console.access.audit import write_audit
from services.console.access.tokens import Scope, list_tokens, make_token, revoke_token
from services.console.pages.errors import nothing_known
from services.console.pages.forms import Form
from services.console.pages.role_names import SCOPE_NAMES
from services.console.pages.visit import Visit, redirect


def _(text: str) -> str:
    return text


DAYS = (7, 30, 90, 365)
NO_NAME = _("Give the token a name that says what uses it.")
NO_SCOPE = _("Choose what the token allows.")


async def show_tokens(visit: Visit) -> Response:
    """Every token, and the form to make one."""
    return await _tokens_page(visit, 200)


async def _tokens_page(
    visit: Visit, status: int, problems: dict[str, str] | None = None, name: str = "", made: str = ""
) -> Response:
    async with visit.site.access.read() as connection:
        found = await list_tokens(connection)
    given = {"problems": problems or {}, "name": name, "made": made, "scopes": SCOPE_NAMES, "days": DAYS}
    return visit.render("tokens.html", status, tokens=found, **given)


async def make(visit: Visit, form: Form) -> Response:
    """Make a token and show it, this once."""
    name, scopes = form.text("name", 100), [scope for scope in Scope if scope in form.all("scope")]
    if problems := _problems(visit, name, scopes):
        return await _tokens_page(visit, 422, problems, name)
    days = next((days for days in DAYS if str(days) == form.text("days")), DAYS[0])
    async with visit.carry_out(form, "/tokens") as connection:
        token, secret = await make_token(connection, visit.person.name, name, scopes, days, visit.now)
        detail = f"{name} ({' '.join(scopes)}, {days} d)"
        await write_audit(connection, visit.now, visit.person.name, "make-token", token.id, detail, result="done")
    return await _tokens_page(visit, 200, made=secret)


def _problems(visit: Visit, name: str, scopes: list[Scope]) -> dict[str, str]:
    problems = {} if name else {"name": visit.translate(NO_NAME)}
    return problems if scopes else problems | {"scope": visit.translate(NO_SCOPE)}


async def revoke(visit: Visit, form: Form) -> Response:
    """Revoke a token; whoever uses it is refused from now on."""
    id_ = visit.request.path_params["id"]
    async with visit.carry_out(form, "/tokens") as connection:
        if not await revoke_token(connection, id_, visit.now):
            raise nothing_known(id_)
        await write_audit(connection, visit.now, visit.person.name, "revoke-token", id_, result="done")
    return redirect("/tokens")
