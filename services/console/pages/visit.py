"""One request of one person: who it is, in which language, and how a page is rendered for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.access.database import AccessDatabase
from services.console.access.passwords import Passwords
from services.console.access.roles import Permission
from services.console.access.sessions import SessionLimits
from services.console.access.sign_in import SignIn
from services.console.access.submissions import find_submission, remember_submission
from services.console.access.users import ConsoleUser
from services.console.pages.cookies import CookieJar
from services.console.pages.errors import AlreadySubmitted
from services.console.pages.forms import Form
from services.console.pages.navigation import Feature, menu_for
from services.console.pages.rendering import render
from services.console.queries.freshness import Freshness
from services.engine.client.commands import IssueSigned
from services.engine.clock import Clock
from services.engine.state.store import Partition
from services.settings.console import ConsoleSettings
from services.settings.model import Settings
from services.settings.translation import Language, translator

ReadModel = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a consistent view of the query database."""
ReadEnds = Callable[[], Mapping[Partition, int]]
"""Where the topics end now; empty while that is unknown."""


@dataclass(frozen=True, slots=True)
class ConsoleSite:
    """What every page needs: the settings, the access database, the query database, the clock."""

    settings: Settings
    console: ConsoleSettings
    access: AccessDatabase
    model: ReadModel | None
    clock: Clock
    passwords: Passwords
    sign_in: SignIn
    cookies: CookieJar
    issue: IssueSigned | None = None
    ends: ReadEnds = dict
    has_api: bool = False

    @property
    def features(self) -> Collection[Feature]:
        """What this console has besides the access database."""
        features: dict[Feature, bool] = {"model": self.model is not None, "api": self.has_api}
        return [feature for feature, is_there in features.items() if is_there]

    @property
    def limits(self) -> SessionLimits:
        """How long a session lasts."""
        return SessionLimits(timedelta(hours=self.console.session_hours), timedelta(minutes=self.console.idle_minutes))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `session` is the token of the session, or that of the browser before anybody has signed in."""

    site: ConsoleSite
    request: Request
    language: Language
    now: datetime
    session: str
    user: ConsoleUser | None = None
    freshness: Freshness | None = None

    @property
    def person(self) -> ConsoleUser:
        """The signed-in person; pages that need nobody use `user`."""
        assert self.user is not None, "the page requires a signed-in person"
        return self.user

    @property
    def address(self) -> str:
        """The address of the browser, or of the web server in front of the console."""
        return self.request.client.host if self.request.client else "?"

    @property
    def url(self) -> str:
        """The path and query of this page."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def may(self, permission: Permission) -> bool:
        """Whether the person may see or do this."""
        return self.user is not None and self.user.may(permission)

    def translate(self, text: str, **values: object) -> str:
        """A text of the catalogue in the person's language, with the values of its placeholders."""
        found = translator(self.language)(text)
        return found.format(**values) if values else found

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page of a template."""
        shared = {
            "_": self.translate,
            "visit": self,
            "may": self.may,
            "permissions": Permission,
            "menu": menu_for(self.user, self.request.url.path, self.site.features),
            "form_token": self.new_form_token,
            "with_query": self.with_query,
        }
        return HTMLResponse(render(template, self.language, self.now, shared | values), status_code=status)

    def new_form_token(self) -> str:
        """The value of a form's hidden field: a number of its own, and the proof that it comes from this page."""
        return self.site.cookies.make_form_token(self.session)

    def with_query(self, **changes: object) -> str:
        """This page with some parameters of its query changed; None removes one."""
        query = {**self.request.query_params, **changes}
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    def read_model(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A consistent view of the query database."""
        assert self.site.model is not None, "pages that show data have a query database"
        return self.site.model()

    @asynccontextmanager
    async def carry_out(self, form: Form, location: str) -> AsyncIterator[AsyncConnection]:
        """A transaction of the access database for a form that leads to `location`.

        Raises `AlreadySubmitted` for a form that was carried out before.
        """
        async with self.site.access.write() as connection:
            if (before := await find_submission(connection, form.id)) is not None:
                raise AlreadySubmitted(before)
            await remember_submission(connection, form.id, location, self.now)
            yield connection


def redirect(location: str) -> Response:
    """Continue with another page, which is then read with GET."""
    return RedirectResponse(location, status_code=303)
