"""Sign-in, sign-out, the own password and the language."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from services.console.access.audit import write_audit
from services.console.access.passwords import PasswordRefused, require_acceptable
from services.console.access.sessions import begin_session, end_session
from services.console.access.sign_in import TooManyAttempts
from services.console.access.users import read_password, set_password
from services.console.languages import find_language
from services.console.pages.errors import too_many_attempts
from services.console.pages.forms import Form
from services.console.pages.navigation import menu_for
from services.console.pages.role_names import list_roles
from services.console.pages.visit import Visit, redirect


def _(text: str) -> str:
    return text


WRONG = _("Name or password is wrong. Check the language of the keyboard and Caps Lock.")
ENDED = _("Your session has ended. Sign in again, then you continue on the same page.")
PASSWORD_WRONG = _("This is not your present password.")
PASSWORDS_DIFFER = _("The two new passwords are not the same.")


async def start(visit: Visit) -> Response:
    """The first page."""
    places = menu_for(visit.user, "/", visit.site.features)
    return redirect(next(link.path for link in places))


async def show_sign_in(visit: Visit) -> Response:
    """The form to sign in."""
    if visit.user is not None:
        return redirect("/")
    return _sign_in_page(visit, 200, safe_target(visit.request.query_params.get("next", "/")))


def ask_to_sign_in(visit: Visit) -> Response:
    """The form to sign in, at the address of the page that was asked for."""
    target = visit.url if visit.request.method == "GET" else "/"
    return _sign_in_page(visit, 401, target, problem=ENDED if visit.session else "")


def _sign_in_page(visit: Visit, status: int, target: str, *, problem: str = "", name: str = "") -> Response:
    """The page, with a token in the browser that proves that the form comes from here."""
    if visit.session:
        return visit.render("sign_in.html", status, target=target, problem=problem, name=name)
    token = secrets.token_urlsafe(16)
    fresh = Visit(visit.site, visit.request, visit.language, visit.now, token)
    answer = fresh.render("sign_in.html", status, target=target, problem=problem, name=name)
    visit.site.cookies.set_session(answer, token)
    return answer


async def sign_in(visit: Visit, form: Form) -> Response:
    """Take name and password. Raises `PageError` after too many attempts."""
    name, target = form.text("name", 200), safe_target(form.text("next", 2000))
    try:
        token = await visit.site.sign_in.attempt(name, form.raw("password"), visit.address, visit.now)
    except TooManyAttempts as error:
        raise too_many_attempts(error.seconds) from None
    if token is None:
        return _sign_in_page(visit, 422, target, problem=WRONG, name=name)
    answer = redirect(target)
    visit.site.cookies.set_session(answer, token)
    return answer


def safe_target(path: str) -> str:
    """A path of this console; the first page for anything else, such as another site."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own and not path.startswith("/sign-") else "/"


async def sign_out(visit: Visit, form: Form) -> Response:
    """End the session."""
    async with visit.site.access.write() as connection:
        await end_session(connection, visit.session)
        await write_audit(connection, visit.now, visit.person.name, "sign-out", visit.person.name, result="done")
    answer = redirect("/sign-in")
    visit.site.cookies.end_session(answer)
    return answer


async def show_account(visit: Visit) -> Response:
    """The own account."""
    return _account_page(visit, 200)


def _account_page(visit: Visit, status: int, problems: dict[str, str] | None = None) -> Response:
    roles = list_roles(visit.person.roles, visit.language)
    changed = visit.request.query_params.get("changed") == "password"
    return visit.render("account.html", status, roles=roles, problems=problems or {}, changed=changed)


async def change_password(visit: Visit, form: Form) -> Response:
    """Replace the own password: every other session ends, this one begins again."""
    if problems := await _password_problems(visit, form):
        return _account_page(visit, 422, problems)
    hashed = await visit.site.passwords.hash(form.raw("new"))
    async with visit.carry_out(form, "/account?changed=password") as connection:
        await set_password(connection, visit.person.name, hashed)
        await write_audit(connection, visit.now, visit.person.name, "change-password", visit.person.name, result="done")
        token = await begin_session(connection, visit.person.name, visit.now)
    answer = redirect("/account?changed=password")
    visit.site.cookies.set_session(answer, token)
    return answer


async def _password_problems(visit: Visit, form: Form) -> dict[str, str]:
    """What is wrong, by the field to correct."""
    async with visit.site.access.read() as connection:
        stored = await read_password(connection, visit.person.name)
    if not await visit.site.passwords.matches(stored, form.raw("present")):
        return {"present": visit.translate(PASSWORD_WRONG)}
    if form.raw("new") != form.raw("again"):
        return {"again": visit.translate(PASSWORDS_DIFFER)}
    return password_fault(visit, form.raw("new"), visit.person.name)


def password_fault(visit: Visit, password: str, name: str) -> dict[str, str]:
    """What is wrong with a new password, for its field; empty if nothing is."""
    try:
        require_acceptable(password, name)
    except PasswordRefused as error:
        return {"new": visit.translate(error.why, limit=error.limit)}
    return {}


async def choose_language(visit: Visit, form: Form) -> Response:
    """Keep the chosen language in the browser and show the same page again."""
    answer = redirect(safe_target(form.text("next", 2000)))
    if language := find_language(form.text("language")):
        visit.site.cookies.set_language(answer, language)
    return answer
