"""Calls to one upstream over HTTP: connections, limits, timeouts; every failure is an `UpstreamError`.

Both clients use `Upstream`. A client adds its URLs, the meaning of its error bodies (`refine`) and its records.

    async with Upstream(labels, auth=httpx.BasicAuth(user, password), timeouts=Timeouts(read=60)) as upstream:
        response = await upstream.request("PUT", url, json=document, writes=True)   # 2xx, or an UpstreamError
        async with upstream.stream_get(url) as response:                            # for incremental parsing
            async for chunk in response.aiter_bytes(): ...
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from services.connectors.http.bounds import bound_answer, limit_time
from services.connectors.http.errors import NOT_SENT, classify_exception, classify_response
from services.connectors.http.responses import UpstreamLabels
from services.engine.clock import PROCESS_CLOCK_CHECK
from services.engine.outbox import breaker
from services.engine.outbox.upstream_errors import Rejected, UpstreamError
from services.engine.telemetry.metrics import measure_call
from services.settings.load import SettingsError

Params = Mapping[str, str | int]
Observe = Callable[[str, str, str, float], None]
"""(method, path, status or error name, seconds): called once for each attempt, for metrics."""
RefineError = Callable[[httpx.Response, bool], UpstreamError | None]
"""(failed response with its body, writes) → the error by the client's own rules; None applies the general rules."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step of a call; `read` is the longest silence, `whole` and `stream` the whole call."""

    connect: float = 10.0
    read: float = 60.0
    write: float = 60.0
    pool: float = 60.0
    whole: float = 300.0
    stream: float = 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls run at once, and how often a call is tried while it provably was not sent.

    `answer` and `stream` are the largest bodies in unpacked bytes; the second is read piece by piece.
    """

    concurrency: int = 4
    tries: int = 3
    answer: int = 64 * 1024 * 1024
    stream: int = 2 * 1024 * 1024 * 1024


def ignore_call(method: str, path: str, result: str, seconds: float) -> None:
    """No-op: for calls without metrics."""


HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": "davtari",
}
DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_LIMITS = Limits()


class Upstream:
    """An HTTP API; every failure is an `UpstreamError` that states what may be assumed about the call."""

    def __init__(
        self,
        labels: UpstreamLabels,
        *,
        address: str = "",
        auth: httpx.Auth | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        limits: Limits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        refine: RefineError = lambda response, writes: None,
        observe: Observe = ignore_call,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`tls` comes from `create_tls_context`; `transport` replaces the network; `sleep` waits between tries.

        Listeners of `address` (see `recovery`) are notified of each answer that is confirmed.
        """
        self._labels, self._limits, self._timeouts, self._address = labels, limits, timeouts, address
        self._refine, self._observe, self._clock, self._sleep = refine, observe, clock, sleep
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._client = httpx.AsyncClient(
            auth=auth,
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(
                connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool
            ),
            limits=httpx.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency),
            verify=True if tls is None else tls,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        writes: bool,
        params: Params | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The 2xx answer of a call with its body. `writes`: whether it may change something upstream.

        Raises an `UpstreamError`: for a failure after sending, `UnknownOutcome` if it writes, else `Unavailable`.
        """
        request = self._build_request(method, url, params, headers, json=json, content=content)
        with self._translate_errors(request, writes=writes):
            async with self._slots, limit_time(self._timeouts.whole, request):
                response = await self._send(request, stream=False)
        return self._check(response, writes=writes)

    @asynccontextmanager
    async def stream_get(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The 2xx answer of a GET before its body is read, for incremental parsing in bounded memory.

        A connection that breaks while the body is read raises `Unavailable` too. It counts as one call of the limit.
        """
        request = self._build_request("GET", url, params, headers)
        with self._translate_errors(request, writes=False):
            async with self._slots, limit_time(self._timeouts.stream, request):
                response = await self._send(request, stream=True)
                async with aclosing(response):
                    yield await self._check_streamed(response)

    def confirm_answer(self, response: httpx.Response) -> None:
        """The answer came from the API itself: notify the listeners of this address."""
        breaker.notify_answered(self._address, response.extensions["began"])

    def _build_request(
        self, method: str, url: str, params: Params | None, headers: Mapping[str, str] | None, **body: Any
    ) -> httpx.Request:
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url
        try:
            return self._client.build_request(method, address, headers=headers, **body)
        except httpx.InvalidURL as error:
            raise classify_exception(error, self._labels, method, writes=False) from None

    async def _send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Send; what was provably not sent is sent again, first at once, then a few times with jitter."""
        try:
            return await self._send_once(request, stream)
        except NOT_SENT:
            if self._limits.tries == 1:
                raise
        return await self._retry_policy()(self._send_once, request, stream)

    def _retry_policy(self) -> AsyncRetrying:
        return AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._limits.tries - 1),
            wait=wait_random_exponential(multiplier=0.2, max=2.0),
            retry=retry_if_exception_type(NOT_SENT),
            reraise=True,
        )

    async def _send_once(self, request: httpx.Request, stream: bool) -> httpx.Response:
        began, started, result = monotonic(), perf_counter(), "cancelled"
        try:
            with measure_call(self._labels.name, request) as made:
                response = made.answered(await self._receive(request, stream))
            response.extensions["began"] = began
            PROCESS_CLOCK_CHECK.compare_http(self._labels.name, response.headers)
            result = str(response.status_code)
            return response
        except httpx.HTTPError as error:
            result = type(error).__name__
            raise
        finally:
            self._observe(request.method, request.url.path, result, perf_counter() - started)

    async def _receive(self, request: httpx.Request, stream: bool) -> httpx.Response:
        response = await self._client.send(request, stream=True)
        try:
            bounded = bound_answer(response, self._limits.stream if stream else self._limits.answer)
            if not stream:
                await bounded.aread()
        except BaseException:
            await response.aclose()
            raise
        return bounded

    @contextmanager
    def _translate_errors(self, request: httpx.Request, *, writes: bool) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise classify_exception(error, self._labels, _describe_call(request), writes=writes) from error

    async def _check_streamed(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            await response.aread()
            return self._check(response, writes=False)
        return response

    def _check(self, response: httpx.Response, *, writes: bool) -> httpx.Response:
        """The response if it is a success; otherwise raises, by the client's own rules first."""
        error = None if response.is_success else self._refine(response, writes)
        error = error or classify_response(
            response, self._labels, _describe_call(response.request), writes=writes, now=self._clock()
        )
        if isinstance(error, Rejected):
            self.confirm_answer(response)
        if error is not None:
            raise error
        return response


def _describe_call(request: httpx.Request) -> str:
    """Method and path; the query is never shown, since it may contain keys or personal data."""
    return f"{request.method} {request.url.path}"


log = logging.getLogger(__name__)


def create_tls_context(upstream: str, *, ca_file: Path | None = None, verify: bool = True) -> ssl.SSLContext:
    """The TLS context for an upstream, which trusts the public authorities and those in `ca_file`.

    `verify=False` disables all checks and is logged at every start. Raises `SettingsError` when `ca_file` cannot be
    used.
    """
    if not verify:
        log.warning("%s: TLS certificates are NOT checked (verify-tls = false); passwords can be stolen", upstream)
        return httpx.create_ssl_context(verify=False)
    context = httpx.create_ssl_context()
    if ca_file is not None:
        _add_authority(context, upstream, ca_file)
    return context


def _add_authority(context: ssl.SSLContext, upstream: str, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{upstream}: ca-file {ca_file} contains no usable certificate in PEM format ({error})"
        ) from None
