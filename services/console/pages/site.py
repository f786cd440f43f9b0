"""The web application of the console: its routes, and what happens before and after each page."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from services.console.access.roles import Permission, roles_with
from services.console.access.sessions import is_use_noted, note_use, read_session
from services.console.pages import (
    account,
    approvals,
    attention,
    audit_log,
    catalogue,
    days,
    guides,
    health,
    orders,
    people,
    stock,
    today,
    tokens,
)
from services.console.pages.errors import (
    AlreadySubmitted,
    NotSignedIn,
    PageError,
    failed,
    not_allowed,
    not_found,
    unavailable,
    wrong_filter,
)
from services.console.pages.forms import Form, read_form
from services.console.pages.headers import SecurityHeaders
from services.console.pages.languages import choose_language
from services.console.pages.rendering import STATIC
from services.console.pages.role_names import list_roles
from services.console.pages.visit import ConsoleSite, Visit, redirect
from services.console.queries.freshness import read_freshness
from services.console.queries.page import InvalidCursor

log = logging.getLogger(__name__)
Show = Callable[[Visit], Awaitable[Response]]
Submit = Callable[[Visit, Form], Awaitable[Response]]


def create_console(site: ConsoleSite, api: ASGIApp | None = None) -> ASGIApp:
    """The whole application. `api` answers below `/api`."""
    pages = Pages(site)
    mounts: list[BaseRoute] = [Mount("/static", StaticFiles(directory=STATIC))]
    if api is not None:
        mounts.append(Mount("/api", api))
    app = Starlette(
        routes=[*mounts, *routes(pages)],
        exception_handlers={HTTPException: pages.show_http_error, Exception: pages.show_failure},
    )
    return SecurityHeaders(app, encrypted=site.console.is_encrypted)


def routes(pages: Pages) -> Iterable[BaseRoute]:
    """Every page."""
    yield from _pages_of_data(pages)
    administer = Permission.ADMINISTER
    yield pages.show("/", account.start)
    yield pages.show("/sign-in", account.show_sign_in, public=True)
    yield pages.submit("/sign-in", account.sign_in, public=True)
    yield pages.submit("/sign-out", account.sign_out)
    yield pages.show("/account", account.show_account)
    yield pages.submit("/account/password", account.change_password)
    yield pages.submit("/language", account.choose_language, public=True)
    yield pages.show("/help", guides.show_index, public=True)
    yield pages.show("/help/search", guides.show_search, public=True)
    yield pages.show("/help/guides/{role}", guides.show_guide, public=True)
    yield pages.show("/help/reasons/{code}", guides.show_reason, public=True)
    yield pages.show("/help/settings/{key}", guides.show_setting, public=True)
    yield pages.show("/people", people.show_people, needs=administer)
    yield pages.submit("/people", people.add_person, needs=administer)
    yield pages.show("/people/{name}", people.show_person, needs=administer)
    yield pages.submit("/people/{name}", people.change_person, needs=administer)
    yield pages.show("/tokens", tokens.show_tokens, needs=administer)
    yield pages.submit("/tokens", tokens.make, needs=administer)
    yield pages.submit("/tokens/{id}/revoke", tokens.revoke, needs=administer)
    yield pages.show("/audit", audit_log.show_audit, needs=administer)


def _pages_of_data(pages: Pages) -> Iterable[BaseRoute]:
    """The pages over the query database."""
    figures, resolve = Permission.SEE_FIGURES, Permission.RESOLVE
    yield pages.show("/today", today.show_today, needs=figures)
    yield pages.show("/orders", orders.show_orders, needs=figures)
    yield pages.show("/orders/{shop}/{order}", orders.show_order, needs=figures)
    yield pages.show("/attention", attention.show_groups, needs=figures)
    yield pages.show("/attention/list", attention.show_list, needs=figures)
    yield pages.show("/attention/{id}", attention.show_dead_letter, needs=figures)
    yield pages.submit("/attention/{id}/close", attention.close_dead_letter, needs=resolve)
    yield pages.submit("/approvals", approvals.approve, needs=Permission.APPROVE)
    yield pages.show("/approvals", approvals.show_approvals, needs=figures)
    yield pages.show("/approvals/history", approvals.show_history, needs=figures)
    yield pages.show("/days", days.show_calendar, needs=figures)
    yield pages.show("/days/{shop}/{date}", days.show_day, needs=figures)
    yield pages.show("/health", health.show_health, needs=Permission.SEE_OPERATIONS)
    yield pages.show("/stock", stock.show_stock, needs=figures)
    yield pages.show("/stock/{shop}/{sku:path}", stock.show_figure, needs=figures)
    yield pages.show("/catalogue", catalogue.show_items, needs=figures)
    yield pages.show("/catalogue/plans", catalogue.show_plans, needs=figures)
    yield pages.submit("/attention/{id}", attention.change_dead_letter, needs=resolve)


class Pages:
    """Turns functions that show a page or take a form into routes."""

    def __init__(self, site: ConsoleSite) -> None:
        self._site = site

    def show(self, path: str, work: Show, *, needs: Permission | None = None, public: bool = False) -> Route:
        """A page; `public` ones need no session."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, work, needs, public=public)

        return Route(path, endpoint, methods=["GET"])

    def submit(self, path: str, work: Submit, *, needs: Permission | None = None, public: bool = False) -> Route:
        """A form."""

        async def with_form(visit: Visit) -> Response:
            return await work(visit, await read_form(visit.request, visit.site.cookies, visit.session))

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, with_form, needs, public=public)

        return Route(path, endpoint, methods=["POST"])

    async def _answer(self, request: Request, work: Show, needs: Permission | None, *, public: bool) -> Response:
        visit = self._anonymous(request)
        try:
            visit = await self._recognize(visit)
            _require(visit, needs, public=public)
            return await work(await self._with_freshness(visit) if needs else visit)
        except NotSignedIn:
            return account.ask_to_sign_in(visit)
        except InvalidCursor:
            return show_error(visit, wrong_filter("after", request.query_params.get("after", "")))
        except AlreadySubmitted as before:
            return redirect(before.location)
        except PageError as error:
            return show_error(visit, error)
        except SQLAlchemyError:
            log.exception("a database of the console does not answer", extra={"path": request.url.path})
            return show_error(visit, unavailable())
        except Exception:
            return self._report(visit)

    def _anonymous(self, request: Request) -> Visit:
        session = self._site.cookies.read_session(request)
        return Visit(self._site, request, choose_language(request), self._site.clock(), session)

    async def _recognize(self, visit: Visit) -> Visit:
        """The visit with the person of its session, if it is still valid."""
        if not visit.session:
            return visit
        async with self._site.access.read() as connection:
            user = await read_session(connection, visit.session, self._site.limits, visit.now)
            noted = user is None or await is_use_noted(connection, visit.session, visit.now)
        if not noted:
            await self._note_use(visit)
        return replace(visit, user=user)

    async def _with_freshness(self, visit: Visit) -> Visit:
        """The visit with how far the query database has read."""
        if self._site.model is None:
            return visit
        async with self._site.model() as connection:
            return replace(visit, freshness=await read_freshness(connection, self._site.ends()))

    async def _note_use(self, visit: Visit) -> None:
        with suppress(SQLAlchemyError):  # on a full disk people can still read
            async with self._site.access.write() as connection:
                await note_use(connection, visit.session, visit.now)

    def _report(self, visit: Visit) -> Response:
        number = secrets.token_hex(4)
        log.exception("a page failed", extra={"number": number, "path": visit.request.url.path})
        return show_error(visit, failed(number))

    async def show_http_error(self, request: Request, error: Exception) -> Response:
        """The page for an address that no route has."""
        visit = await self._recognize(self._anonymous(request))
        return show_error(visit, not_found())

    async def show_failure(self, request: Request, error: Exception) -> Response:
        """The page for an error outside of every page."""
        return self._report(self._anonymous(request))


def _require(visit: Visit, needs: Permission | None, *, public: bool) -> None:
    if visit.user is None and not public:
        raise NotSignedIn
    if needs is not None and not visit.may(needs):
        raise not_allowed(list_roles(roles_with(needs), visit.language))


def show_error(visit: Visit, error: PageError) -> Response:
    """The page of an error, with its status and headers."""
    answer = visit.render("error.html", error.status, error=error)
    answer.headers.update(error.headers)
    return answer


__all__: Sequence[str] = ("create_console",)
