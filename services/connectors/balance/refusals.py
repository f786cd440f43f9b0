"""Classifies Balance's error answers (Balance facts 21, 22 and 46)."""

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
"""The 4xx with which Balance refuses what it was sent (Balance fact 46); others come from something in between."""
_TOO_LARGE = frozenset({413, 414, 431})


class NoMatch(Rejected):
    """404 to a read: nothing matches, or nothing is published there. `stated` if the text means the former."""

    def __init__(self, message: str, *, stated: bool) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.stated = stated


class UnknownParameter(Rejected):
    """404 to a read with a parameter that this Balance does not know; `parameter` may be empty when it names none."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message, reason=Reason.BALANCE_REFUSED, status=404)
        self.parameter = parameter


def build_labels(settings: BalanceSettings) -> UpstreamLabels:
    """The labels of Balance in messages, with the menu path of the configured profile (claim S0.29)."""
    profile = _PROFILES[settings.profile]
    fix_access = (
        f"In Balance: Administration → Data synchronization settings → {profile} → rights of the user "
        f"(ადმინისტრირება → მონაცემთა სინქრონიზაციის პარამეტრები → {profile}). If the rights are there: compare "
        f"balance.user-name and the password file; in the cloud try the other publication (balance.publication "
        f'"o" or "a", or balance.dialect.publication-of for one resource); see that no proxy adds a Content-Type to GET'
    )
    return UpstreamLabels("Balance", Reason.BALANCE_REFUSED, fix_access, _FIX_ADDRESS)


def build_refine(labels: UpstreamLabels, dialect: Dialect) -> RefineError:
    """The error of a failed call by Balance's own rules; None leaves it to the general rules."""
    return partial(_classify, labels, dialect)


def build_refusal(what: str, words: str, dialect: Dialect, status: int | None) -> UpstreamError:
    """The error for Balance's own text: a refusal with its cause, or `Unavailable` if Balance is locked."""
    text, reason = _with(what, words), _find_reason(words, dialect)
    if reason is Reason.BALANCE_REFUSED and _is_outage(words, dialect):
        return Unavailable(f"{text}. {_fix(Reason.BALANCE_LOCKED)}", status=status, reason=Reason.BALANCE_LOCKED)
    return Rejected(text, reason=reason, status=status)


def build_foreign_answer(what: str, *, writes: bool, status: int | None = None) -> UpstreamError:
    """An answer that cannot be Balance's: a login page, a proxy or a protection has answered."""
    kind = UnknownOutcome if writes else ForeignAnswer
    return kind(f"{what}. {_fix(Reason.BALANCE_BAD_ANSWER)}", status=status, reason=Reason.BALANCE_BAD_ANSWER)


def _fix(reason: Reason) -> str:
    wording = text_of(reason)
    return f"{wording.cause} {wording.fix} ({reason})"


def _find_reason(words: str, dialect: Dialect) -> Reason:
    if any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.period_closed):
        return Reason.BALANCE_PERIOD_CLOSED
    short = any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.short_stock)
    return Reason.BALANCE_STOCK_SHORT if short else Reason.BALANCE_REFUSED


def find_refusal(response: httpx.Response, dialect: Dialect) -> UpstreamError | None:
    """The refusal in a 2xx answer to a write; `UnknownOutcome` for a foreign answer."""
    if error_texts(response.content):
        return build_refusal(describe_call(response), describe_error(response.content), dialect, response.status_code)
    if is_foreign_json(response.content):
        shown = excerpt(response.text)
        return build_foreign_answer(
            f'{describe_call(response)} with "{shown}"', writes=True, status=response.status_code
        )
    return None


def describe_call(response: httpx.Response) -> str:
    """The call and its answer: `Balance: PUT Sale: HTTP 400`. Without parameters, which may be personal data."""
    request = response.request
    return f"Balance: {request.method} {_resource(request)}: {describe_response(response)}"


def build_misaddressed(what: str, status: int | None) -> Misaddressed:
    """The error if something other than the Exchange service answers."""
    return Misaddressed(f"{what}. {_FIX_ADDRESS}", status=status)


def _classify(labels: UpstreamLabels, dialect: Dialect, response: httpx.Response, writes: bool) -> UpstreamError | None:
    status, words = response.status_code, describe_error(response.content)
    what = describe_call(response)
    if status in (401, 403):
        return AccessDenied(f"{_with(what, words)}. {labels.fix_access}", status=status)
    if status in NOT_PROCESSED or status < 400:
        return None
    failed, own = status in FAILED or status >= 500, bool(error_texts(response.content))
    if (own and (writes or not failed)) or _is_outage(words, dialect):
        return build_refusal(what, words, dialect, status)
    if failed:
        return None if writes else ReadFailed(_with(what, words), status=status)
    return _refused_request(response, what, words, dialect, writes=writes)


def _is_outage(words: str, dialect: Dialect) -> bool:
    return any(re.search(pattern, words, re.IGNORECASE) for pattern in dialect.unavailable)


def _refused_request(
    response: httpx.Response, what: str, words: str, dialect: Dialect, *, writes: bool
) -> UpstreamError:
    """A 4xx: with Balance's text it concerns the request, with a foreign one something in between."""
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
    fix = _FIX_PARAMETER.get(parameter, "it cannot be looked up that way here").format(
        resource=_resource(response.request)
    )
    return UnknownParameter(
        f'{what}: this Balance does not know the parameter "{parameter}": {fix}', parameter=parameter
    )


def _resource(request: httpx.Request) -> str:
    return request.url.path.rpartition("/")[2]


def _with(what: str, words: str) -> str:
    return f"{what}: {words}" if words else what
