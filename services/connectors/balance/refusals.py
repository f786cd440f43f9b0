"""What Balance's error answers mean for us (Balance facts 21, 22 and 46)."""

from __future__ import annotations

import re
from functools import partial

import httpx

from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.connectors.balance.answers import (
    describe_error,
    error_texts,
    find_unknown_parameter,
    is_foreign_json,
    means_no_match,
)
from services.connectors.http.errors import FAILED, NOT_PROCESSED
from services.connectors.http.responses import UpstreamLabels, describe_response, excerpt, is_web_page
from services.connectors.http.upstream import RefineError
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
_FIX_ADDRESS = (
    "Check balance.application-id, balance.publication and balance.url in davtari.toml, and that the web service is "
    "switched on: Administration → Data synchronization settings → data export by means of Web-Services"
)
_FIX_PARAMETER = {
    "Pack": "take {resource} out of balance.dialect.paging",
    "PackSize": "take {resource} out of balance.dialect.paging",
    "uid": "take {resource} out of balance.dialect.uid-parameter",
    "Source": "take {resource} out of balance.dialect.source-parameter",
    "Total": "set balance.dialect.stocks-total-false to false",
}


_OWN = frozenset({400, 404, 409, 422})
"""The 4xx with which Balance refuses what it was sent (Balance fact 46); all others come from the way there."""
_TOO_LARGE = frozenset({413, 414, 431})


class NoMatch(Rejected):
    """404 to a read: nothing matches, or nothing is published there. `stated` when the words mean the former."""

    def __init__(self, message: str, *, stated: bool) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.stated = stated


class UnknownParameter(Rejected):
    """404 to a read with a parameter that this Balance does not know; `parameter` may be empty when it names none."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.parameter = parameter


def build_labels(settings: BalanceSettings) -> UpstreamLabels:
    """How Balance is named to a person, with the menu path of the profile that is set (claim S0.29)."""
    profile = _PROFILES[settings.profile]
    fix_access = (
        f"In Balance: Administration → Data synchronization settings → {profile} → rights of the user "
        f"(ადმინისტრირება → მონაცემთა სინქრონიზაციის პარამეტრები → {profile}). If the rights are there: compare "
        f"balance.user-name and the password file; in the cloud try the other publication (balance.publication "
        f'"o" or "a", or balance.dialect.publication-of for one resource); see that no proxy adds a Content-Type to GET'
    )
    return UpstreamLabels("Balance", Reason.BALANCE_REFUSED, fix_access, _FIX_ADDRESS)


def build_refine(labels: UpstreamLabels, dialect: Dialect) -> RefineError:
    """Balance's own verdict about a failed call; it gives None where the general rules hold."""
    return partial(_refined, labels, dialect)


def build_refusal(what: str, words: str, dialect: Dialect, status: int | None) -> UpstreamError:
    """What Balance's own words mean: for the message a refusal, whose cause is told apart; or nobody can be served."""
    text, reason = _with(what, words), _meant(words, dialect)
    if reason is Reason.BALANCE_REFUSED and _states_outage(words, dialect):
        return Unavailable(f"{text}. {_fix(Reason.BALANCE_LOCKED)}", status=status, reason=Reason.BALANCE_LOCKED)
    return Rejected(text, reason=reason, status=status)


def build_foreign_answer(what: str, *, writes: bool, status: int | None = None) -> UpstreamError:
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


def find_refusal(response: httpx.Response, dialect: Dialect) -> UpstreamError | None:
    """The refusal in an answer to a write that is a 2xx all the same; `UnknownOutcome` for a foreign answer."""
    if error_texts(response.content):
        return build_refusal(describe_call(response), describe_error(response.content), dialect, response.status_code)
    if is_foreign_json(response.content):
        shown = excerpt(response.text)
        return build_foreign_answer(
            f'{describe_call(response)} with "{shown}"', writes=True, status=response.status_code
        )
    return None


def describe_call(response: httpx.Response) -> str:
    """Which call was answered, and how: `Balance: PUT Sale: HTTP 400`. No parameters: they may be personal."""
    request = response.request
    return f"Balance: {request.method} {_resource(request)}: {describe_response(response)}"


def build_misaddressed(what: str, status: int | None) -> Misaddressed:
    """Something answers there, and it is not the Exchange service."""
    return Misaddressed(f"{what}. {_FIX_ADDRESS}", status=status)


def _refined(labels: UpstreamLabels, dialect: Dialect, response: httpx.Response, writes: bool) -> UpstreamError | None:
    status, words = response.status_code, describe_error(response.content)
    what = describe_call(response)
    if status in (401, 403):
        return AccessDenied(f"{_with(what, words)}. {labels.fix_access}", status=status)
    if status in NOT_PROCESSED or status < 400:
        return None
    failed, own = status in FAILED or status >= 500, bool(error_texts(response.content))
    if (own and (writes or not failed)) or _states_outage(words, dialect):
        return build_refusal(what, words, dialect, status)
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
    foreign = is_web_page(response) or is_foreign_json(response.content)
    if status == 405 or (status == 404 and foreign):
        return build_misaddressed(what, status)
    if (status not in _OWN and status not in _TOO_LARGE) or (foreign and status not in _TOO_LARGE):
        shown = f' with "{excerpt(response.text)}"' if response.text.strip() else ""
        fix = _fix(Reason.BALANCE_BAD_ANSWER)
        return AccessDenied(f"{what}{shown}. {fix}", status=status, reason=Reason.BALANCE_BAD_ANSWER)
    return build_refusal(what, words, dialect, status) if writes or status != 404 else _not_found(response, what, words)


def _not_found(response: httpx.Response, what: str, words: str) -> UpstreamError:
    parameter = find_unknown_parameter(words)
    if parameter is None:
        return NoMatch(_with(what, words), stated=means_no_match(words))
    mend = _FIX_PARAMETER.get(parameter, "it cannot be looked up that way here").format(
        resource=_resource(response.request)
    )
    return UnknownParameter(
        f'{what}: this Balance does not know the parameter "{parameter}": {mend}', parameter=parameter
    )


def _resource(request: httpx.Request) -> str:
    return request.url.path.rpartition("/")[2]


def _with(what: str, words: str) -> str:
    return f"{what}: {words}" if words else what
