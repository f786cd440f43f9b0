"""The people who may sign in: list, add, change."""

from __future__ import annotations

from starlette.responses import Response

from services.console.access.audit import write_audit
from services.console.access.roles import ConsoleRole
from services.console.access.users import (
    ConsoleUser,
    UserRefused,
    add_user,
    list_users,
    normalize_name,
    read_user,
    set_active,
    set_password,
    set_roles,
)
from services.console.pages.account import password_fault
from services.console.pages.errors import nothing_known
from services.console.pages.forms import Form
from services.console.pages.role_names import ROLE_DUTIES, ROLE_NAMES
from services.console.pages.visit import Visit, redirect


def _(text: str) -> str:
    return text


Problems = dict[str, str]
"""What is wrong, by the field to correct."""
NO_ROLE = _("Choose at least one role.")
NO_NAME = _("Use 3 to 64 Latin or Georgian letters, digits, dots, hyphens or @.")
NAME_TAKEN = _("There is a person with this name already.")
LAST_ADMIN = _("This is the last administrator. Make another person one first.")


async def show_people(visit: Visit) -> Response:
    """Everybody, and the form to add a person."""
    return await _people_page(visit, 200)


async def _people_page(
    visit: Visit,
    status: int,
    problems: dict[str, str] | None = None,
    name: str = "",
    roles: tuple[ConsoleRole, ...] = (),
) -> Response:
    async with visit.site.access.read() as connection:
        users = await list_users(connection)
    given = {"problems": problems or {}, "name": name, "chosen": roles, "names": ROLE_NAMES, "duties": ROLE_DUTIES}
    return visit.render("people.html", status, users=users, **given)


def _chosen_roles(form: Form) -> tuple[ConsoleRole, ...]:
    return tuple(role for role in ConsoleRole if role in form.all("role"))


async def add_person(visit: Visit, form: Form) -> Response:
    """Add a person."""
    given, roles = form.text("name", 200), _chosen_roles(form)
    problems = _new_person_problems(visit, form, given, roles)
    if problems:
        return await _people_page(visit, 422, problems, given, roles)
    name, hashed = normalize_name(given), await visit.site.passwords.hash(form.raw("new"))
    try:
        async with visit.carry_out(form, f"/people/{name}") as connection:
            await add_user(connection, name, hashed, roles, visit.now)
            await write_audit(
                connection, visit.now, visit.person.name, "add-person", name, " ".join(roles), result="done"
            )
    except UserRefused:
        return await _people_page(visit, 422, {"name": visit.translate(NAME_TAKEN)}, given, roles)
    return redirect(f"/people/{name}")


def _new_person_problems(visit: Visit, form: Form, name: str, roles: tuple[ConsoleRole, ...]) -> dict[str, str]:
    problems = password_fault(visit, form.raw("new"), name)
    try:
        normalize_name(name)
    except UserRefused:
        problems["name"] = visit.translate(NO_NAME)
    if not roles:
        problems["role"] = visit.translate(NO_ROLE)
    return problems


async def show_person(visit: Visit) -> Response:
    """One person."""
    return await _person_page(visit, await _find(visit), 200)


async def _find(visit: Visit) -> ConsoleUser:
    name = visit.request.path_params["name"]
    async with visit.site.access.read() as connection:
        found = await read_user(connection, name)
    if found is None:
        raise nothing_known(name)
    return found


async def _person_page(
    visit: Visit, person: ConsoleUser, status: int, problems: dict[str, str] | None = None
) -> Response:
    return visit.render(
        "person.html", status, person=person, problems=problems or {}, names=ROLE_NAMES, duties=ROLE_DUTIES
    )


async def change_person(visit: Visit, form: Form) -> Response:
    """Change the roles, set a new password, or end or restore access: the button says which."""
    person = await _find(visit)
    change = {"roles": _change_roles, "password": _change_password}.get(form.text("do"), _change_access)
    try:
        problems = await change(visit, form, person)
    except UserRefused:
        problems = {form.text("do"): visit.translate(LAST_ADMIN)}
    if problems:
        return await _person_page(visit, person, 422, problems)
    return redirect(f"/people/{person.name}")


async def _change_roles(visit: Visit, form: Form, person: ConsoleUser) -> dict[str, str]:
    roles = _chosen_roles(form)
    if not roles:
        return {"roles": visit.translate(NO_ROLE)}
    async with visit.carry_out(form, f"/people/{person.name}") as connection:
        await set_roles(connection, person.name, roles)
        detail = " ".join(roles)
        await write_audit(connection, visit.now, visit.person.name, "change-roles", person.name, detail, result="done")
    return {}


async def _change_password(visit: Visit, form: Form, person: ConsoleUser) -> dict[str, str]:
    if problems := password_fault(visit, form.raw("new"), person.name):
        return problems
    hashed = await visit.site.passwords.hash(form.raw("new"))
    async with visit.carry_out(form, f"/people/{person.name}") as connection:
        await set_password(connection, person.name, hashed)
        await write_audit(connection, visit.now, visit.person.name, "set-password", person.name, result="done")
    return {}


async def _change_access(visit: Visit, form: Form, person: ConsoleUser) -> dict[str, str]:
    active = form.text("do") == "restore"
    async with visit.carry_out(form, f"/people/{person.name}") as connection:
        await set_active(connection, person.name, active=active)
        action = "restore-access" if active else "end-access"
        await write_audit(connection, visit.now, visit.person.name, action, person.name, result="done")
    return {}
