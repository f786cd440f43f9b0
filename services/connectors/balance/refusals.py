"""What Balance's error answers mean for us (balance-api U12: by status, then the `Error` list, then the text)."""

from __future__ import annotations

import re
from functools import partial

import httpx

from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.connectors.balance.answers import error_texts, is_foreign, said, states_no_match, unknown_parameter
from services.connectors.http.descriptions import beginning, described, is_page
from services.connectors.http.http import Refine
from services.connectors.http.statuses import FAILED, NOT_DONE
from services.connectors.http.voice import Voice
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    ForeignAnswer,
    Misaddressed,
    ReadFailed,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
)
from services.settings.balance import BalanceSettings, Dialect

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


_OWN = frozenset({400, 404, 409, 422})
"""The 4xx with which Balance refuses what it was sent (balance-api 1.8, U12); all others come from the way there."""
_TOO_LARGE = frozenset({413, 414, 431})


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


def refused(what: str, words: str, dialect: Dialect, status: int | None) -> UpstreamError:
    """What Balance's own words mean: for the message a refusal, whose cause is told apart; or nobody can be served."""
    text, reason = _with(what, words), _meant(words, dialect)
    if reason is Reason.BALANCE_REFUSED and _states_outage(words, dialect):
        return Unavailable(f"{text}. {_fix(Reason.BALANCE_LOCKED)}", status=status, reason=Reason.BALANCE_LOCKED)
    return Rejected(text, reason=reason, status=status)


def foreign_answer(what: str, *, writes: bool, status: int | None = None) -> UpstreamError:
    """An answer that cannot be Balance's: a login page, a proxy or a protection has answered."""
    kind = UnknownOutcome if writes else ForeignAnswer
    return kind(f"{what}. {_fix(Reason.BALANCE_BAD_ANSWER)}", status=status, reason=Reason.BALANCE_BAD_ANSWER)


def _fix(reason: Reason) -> str:
    wording = text_of(reason)
    return f"{wording.cause} {wording.fix} ({reason})"


def _meant(words: str, dialect: Dialect) -> Reason:
    if any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.period_closed):
        return Reason.BALANCE_PERIOD_CLOSED
    short = any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.short_stock)
    return Reason.BALANCE_STOCK_SHORT if short else Reason.BALANCE_REFUSED


def refusal_in(response: httpx.Response, dialect: Dialect) -> UpstreamError | None:
    """The refusal in an answer to a write that is a 2xx all the same; `UnknownOutcome` for a foreign answer."""
    if error_texts(response.content):
        return refused(called(response), said(response.content), dialect, response.status_code)
    if is_foreign(response.content):
        shown = beginning(response.text)
        return foreign_answer(f'{called(response)} with "{shown}"', writes=True, status=response.status_code)
    return None


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
    if status in NOT_DONE or status < 400:
        return None
    failed, own = status in FAILED or status >= 500, bool(error_texts(response.content))
    if (own and (writes or not failed)) or _states_outage(words, dialect):
        return refused(what, words, dialect, status)
    if failed:
        return None if writes else ReadFailed(_with(what, words), status=status)
    return _refused_request(response, what, words, dialect, writes=writes)


def _states_outage(words: str, dialect: Dialect) -> bool:
    return any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.unavailable)


def _refused_request(
    response: httpx.Response, what: str, words: str, dialect: Dialect, *, writes: bool
) -> UpstreamError:
    """A 4xx: in Balance's words about what was asked, in foreign ones about nothing but the way there."""
    status = response.status_code
    foreign = is_page(response) or is_foreign(response.content)
    if status == 405 or (status == 404 and foreign):
        return misaddressed(what, status)
    if (status not in _OWN and status not in _TOO_LARGE) or (foreign and status not in _TOO_LARGE):
        shown = f' with "{beginning(response.text)}"' if response.text.strip() else ""
        fix = _fix(Reason.BALANCE_BAD_ANSWER)
        return AccessDenied(f"{what}{shown}. {fix}", status=status, reason=Reason.BALANCE_BAD_ANSWER)
    return refused(what, words, dialect, status) if writes or status != 404 else _not_found(response, what, words)


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
