"""What Balance's error answers mean for us (balance-api U12: by status, then the `Error` list, then the text)."""

from __future__ import annotations

import re
from functools import partial

import httpx

from contracts.reasons import Reason
from services.shared.balance.answers import error_texts, said, states_no_match, unknown_parameter
from services.shared.settings.balance import BalanceSettings, Dialect
from services.shared.upstream.descriptions import described, is_page
from services.shared.upstream.errors import AccessDenied, Misaddressed, Rejected, Unavailable, UpstreamError
from services.shared.upstream.http import Refine
from services.shared.upstream.statuses import FAILED, NOT_DONE
from services.shared.upstream.voice import Voice

_PROFILES = {"storera": "Storera", "vendoo": "Vendoo", "b2c": "B2C"}
_MEND_ADDRESS = (
    "Check balance.application-id, balance.publication and balance.url in davtari.toml, and that the web service is "
    "switched on: Administration → Data synchronization settings → data export by means of Web-Services"
)
_MEND_PARAMETER = {
    "Pack": "take {resource} out of balance.dialect.paging",
    "PackSize": "take {resource} out of balance.dialect.paging",
    "uid": "take {resource} out of balance.dialect.uid-parameter",
    "Source": "take {resource} out of balance.dialect.source-parameter",
    "Total": "set balance.dialect.stocks-total-false to false",
}


class NothingThere(Rejected):
    """404 to a read: nothing matches, or nothing is published there. `stated` when the words mean the former."""

    def __init__(self, message: str, *, stated: bool) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.stated = stated


class UnknownParameter(Rejected):
    """404 to a read with a parameter that this Balance does not know; `parameter` may be empty when it names none."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.parameter = parameter


def voice_of(settings: BalanceSettings) -> Voice:
    """How Balance is named to a person, with the menu path of the profile that is set (claim S0.29)."""
    profile = _PROFILES[settings.profile]
    mend_access = (
        f"In Balance: Administration → Data synchronization settings → {profile} → rights of the user "
        f"(ადმინისტრირება → მონაცემთა სინქრონიზაციის პარამეტრები → {profile}). If the rights are there: compare "
        f"balance.user-name and the password file; in the cloud try the other publication (balance.publication "
        f'"o" or "a", or balance.dialect.publication-of for one resource); see that no proxy adds a Content-Type to GET'
    )
    return Voice("Balance", Reason.BALANCE_REFUSED, mend_access, _MEND_ADDRESS)


def refine_for(voice: Voice, dialect: Dialect) -> Refine:
    """Balance's own verdict about a failed call; it gives None where the general rules hold."""
    return partial(_refined, voice, dialect)


def refused(what: str, words: str, dialect: Dialect, status: int | None) -> Rejected:
    """The refusal that Balance's words mean: what a person or a receipt can mend is told apart."""
    return Rejected(f"{what}: {words}" if words else what, reason=_meant(words, dialect), status=status)


def _meant(words: str, dialect: Dialect) -> Reason:
    if any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.period_closed):
        return Reason.BALANCE_PERIOD_CLOSED
    short = any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.short_stock)
    return Reason.BALANCE_STOCK_SHORT if short else Reason.BALANCE_REFUSED


def refusal_in(response: httpx.Response, dialect: Dialect) -> Rejected | None:
    """The refusal in an answer that is a 2xx all the same."""
    texts = error_texts(response.content)
    return refused(called(response), said(response.content), dialect, response.status_code) if texts else None


def called(response: httpx.Response) -> str:
    """Which call was answered, and how: `Balance: PUT Sale: HTTP 400`. No parameters: they may be personal."""
    request = response.request
    return f"Balance: {request.method} {_resource(request)}: {described(response)}"


def misaddressed(what: str, status: int | None) -> Misaddressed:
    """Something answers there, and it is not the Exchange service."""
    return Misaddressed(f"{what}. {_MEND_ADDRESS}", status=status)


def _refined(voice: Voice, dialect: Dialect, response: httpx.Response, writes: bool) -> UpstreamError | None:
    status, words = response.status_code, said(response.content)
    what = called(response)
    if status in (401, 403):
        return AccessDenied(f"{_with(what, words)}. {voice.mend_access}", status=status)
    if status == 405 or (status == 404 and is_page(response)):
        return misaddressed(what, status)
    if status in NOT_DONE:
        return None
    return _refined_write(dialect, response, what, words) if writes else _refined_read(dialect, response, what, words)


def _refined_write(dialect: Dialect, response: httpx.Response, what: str, words: str) -> UpstreamError | None:
    """A refusal with 5xx is one only with an `Error` list (API fact); without, the document may have been written."""
    status = response.status_code
    failed = status in FAILED or status >= 500
    if status < 400 or (failed and not error_texts(response.content)):
        return None
    return refused(what, words, dialect, response.status_code)


def _refined_read(dialect: Dialect, response: httpx.Response, what: str, words: str) -> UpstreamError | None:
    status = response.status_code
    if status == 404:
        return _not_found(response, what, words)
    if status in FAILED or status >= 500:
        return Unavailable(_with(what, words), status=status)
    return refused(what, words, dialect, status) if status >= 400 else None


def _not_found(response: httpx.Response, what: str, words: str) -> UpstreamError:
    parameter = unknown_parameter(words)
    if parameter is None:
        return NothingThere(_with(what, words), stated=states_no_match(words))
    mend = _MEND_PARAMETER.get(parameter, "it cannot be looked up that way here").format(
        resource=_resource(response.request)
    )
    return UnknownParameter(
        f'{what}: this Balance does not know the parameter "{parameter}": {mend}', parameter=parameter
    )


def _resource(request: httpx.Request) -> str:
    return request.url.path.rpartition("/")[2]


def _with(what: str, words: str) -> str:
    return f"{what}: {words}" if words else what
