"""From httpx's exceptions to ours: was it sent, and may it have been done?"""

from __future__ import annotations

import ssl

import httpx

from services.connectors.http.voice import Voice
from services.engine.outbox.upstream_errors import Misaddressed, ReadFailed, Unavailable, UnknownOutcome, UpstreamError

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""The only failures that prove that the request never left: safe to repeat at once, whatever it was."""

_NEVER_LEFT = (*NOT_SENT, httpx.ProxyError)
_GAVE_UP = (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError)
"""No answer in time, or half of one: a read of fewer records may succeed."""
_NO_ADDRESS = (httpx.UnsupportedProtocol, httpx.InvalidURL)


def failure_of(error: httpx.HTTPError | httpx.InvalidURL, voice: Voice, call: str, *, writes: bool) -> UpstreamError:
    """The upstream error that an exception of httpx means. `call` names method and path; never a query or header."""
    what = f"{voice.name}: {call}: {_words(error)}"
    if isinstance(error, _NO_ADDRESS):
        return Misaddressed(f"{what}. {voice.mend_address}")
    if isinstance(error, _NEVER_LEFT):
        return Unavailable(f"{what}; nothing was sent")
    if writes:
        return UnknownOutcome(f"{what}; it may have been done all the same")
    return (ReadFailed if isinstance(error, _GAVE_UP) else Unavailable)(what)


def _words(error: Exception) -> str:
    if (tls := _tls_cause(error)) is not None:
        return f"the TLS certificate is not trusted ({tls.verify_message}); set ca-file to its authority"
    return f"{_NAMES.get(type(error), type(error).__name__)}"


def _tls_cause(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


_NAMES: dict[type[Exception], str] = {
    httpx.ConnectError: "no connection (refused, unreachable or no such host)",
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "the request was not taken in time",
    httpx.ReadError: "the connection broke before the answer was complete",
    httpx.WriteError: "the connection broke while the request was sent",
    httpx.RemoteProtocolError: "the connection was closed without a whole answer",
    httpx.DecodingError: "the answer's compression is broken",
    httpx.ProxyError: "the proxy did not let the connection through",
    httpx.UnsupportedProtocol: "this is no http or https address",
    httpx.InvalidURL: "this is no address",
}
