"""What ends a request without its page, and the page that is shown instead: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _(text: str) -> str:
    return text


class PageError(Exception):
    """A page cannot be shown. `title`, `why` and `next_step` are English texts of the catalogue with `values`."""

    def __init__(
        self, status: int, title: str, why: str, next_step: str, values: Mapping[str, Any] | None = None, **headers: str
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.why, self.next_step = status, title, why, next_step
        self.values: Mapping[str, Any] = values or {}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class AlreadySubmitted(Exception):
    """A form was carried out before; `location` is where it led."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class NotSignedIn(Exception):
    """Nobody is signed in, or the session has ended."""


def not_found() -> PageError:
    """Nothing is at this address."""
    return PageError(
        404,
        _("There is no such page"),
        _("Nothing was found at this address. It may have been mistyped, or what it named does not exist here."),
        _("Check the address, or start from the menu."),
    )


def nothing_known(what: str) -> PageError:
    """The address is right, but what it names is not known. `what` is shown as it is."""
    return PageError(
        404,
        _("Not known"),
        _("{what} is not known here. Davtari may not have read it yet, or its number may be mistyped."),
        _("Search for it from the list, or look again in a minute."),
        {"what": what},
    )


def not_allowed(roles: str) -> PageError:
    """The person may not see or do this. `roles` are those that may."""
    return PageError(
        403,
        _("You may not do this"),
        _("Your roles do not include this page or action. These roles do: {roles}."),
        _("Ask an administrator of the console to give you one of these roles."),
        {"roles": roles},
    )


def form_refused() -> PageError:
    """A form was not made by a page of this session, or too long ago."""
    return PageError(
        403,
        _("This form is no longer valid"),
        _("It was opened before you signed in, more than a day ago, or on another site. Nothing was changed."),
        _("Go back, reload the page and send the form again."),
    )


def form_unreadable() -> PageError:
    """A form that no page of the console sends."""
    return PageError(
        400,
        _("This form cannot be read"),
        _("What was sent is not a form of this page. Nothing was changed."),
        _("Go back, reload the page and send the form again."),
    )


def form_too_large() -> PageError:
    """A form of more bytes than any page sends."""
    return PageError(
        413,
        _("This form is too large"),
        _("What was sent is longer than this page accepts. Nothing was changed."),
        _("Go back and send less at a time."),
    )


def too_many_attempts(seconds: int) -> PageError:
    """Too many sign-ins have failed."""
    return PageError(
        429,
        _("Too many attempts"),
        _("Too many sign-ins with this name or from this address failed. The next one is possible in {seconds} s."),
        _("Wait, then try again. If you do not remember your password, ask an administrator for a new one."),
        {"seconds": seconds},
        Retry_After=str(seconds),
    )


def wrong_filter(name: str, value: str) -> PageError:
    """A parameter in the address has a value that makes no sense."""
    return PageError(
        400,
        _("This filter cannot be used"),
        _('"{value}" is not a possible value of "{name}".'),
        _("Clear the filters and choose again."),
        {"name": name, "value": value[:100]},
    )


def failed(number: str) -> PageError:
    """An error of the console itself."""
    return PageError(
        500,
        _("Something went wrong here"),
        _("The console could not make this page. The error is in its log under the number {number}."),
        _("Try again. If it happens again, give this number to whoever runs Davtari."),
        {"number": number},
    )


def command_not_sent() -> PageError:
    """Kafka did not take a command."""
    return PageError(
        503,
        _("The command was not sent"),
        _("Kafka did not confirm it in time. If it arrived after all, it is carried out once."),
        _("Go back and send the form again: the same form never does something twice."),
        Retry_After="30",
    )


def no_signing_key(why: str) -> PageError:
    """The console has no key to sign commands with."""
    return PageError(
        503,
        _("The command was not sent"),
        _("This console cannot sign commands: {why}"),
        _("Give this text to whoever runs Davtari. Nothing was changed."),
        {"why": why},
    )


def unavailable() -> PageError:
    """The query database cannot be read at the moment."""
    return PageError(
        503,
        _("The data is not available at the moment"),
        _("The query database does not answer. Orders and documents are not affected: the services work without it."),
        _("Try again in a minute. Health shows what the console waits for."),
        Retry_After="30",
    )
