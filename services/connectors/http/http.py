"""One upstream over HTTP: connections, limits, timeouts, and every failure as one of `errors.py`.

Both clients stand on `Upstream`. A client adds what only it knows: addresses, its error bodies (`refine`), its records.

    async with Upstream(voice, auth=httpx.BasicAuth(user, password), timeouts=Timeouts(read=60)) as upstream:
        response = await upstream.request("PUT", url, json=document, writes=True)   # 2xx, or an UpstreamError
        async with upstream.stream_get(url) as response:                            # for incremental parsing
            async for chunk in response.aiter_bytes(): ...
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic, perf_counter
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from services.connectors.http import recovery
from services.connectors.http.failures import NOT_SENT, failure_of
from services.connectors.http.statuses import error_of
from services.connectors.http.voice import Voice
from services.engine.clock import PROCESS_CLOCK_CHECK
from services.engine.outbox.upstream_errors import Rejected, UpstreamError
from services.engine.telemetry.calls import measure_call

Params = Mapping[str, str | int]
Observe = Callable[[str, str, str, float], None]
"""(method, path, status or error name, seconds): called once for each attempt, for metrics."""
Refine = Callable[[httpx.Response, bool], UpstreamError | None]
"""(failed response with its body, writes) → the client's own verdict, or None for the general one."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step of a call; `read` is the longest silence, not the whole answer."""

    connect: float = 10.0
    read: float = 60.0
    write: float = 60.0
    pool: float = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls run at once, and how often a call that was provably not sent is tried."""

    concurrency: int = 4
    tries: int = 3


def unobserved(method: str, path: str, result: str, seconds: float) -> None:
    """For calls that nobody measures."""


HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": "davtari",
}
DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_LIMITS = Limits()


class Upstream:
    """An HTTP API that may fail in every way; each way is an `UpstreamError` that says what may be assumed."""

    def __init__(
        self,
        voice: Voice,
        *,
        address: str = "",
        auth: httpx.Auth | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        limits: Limits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        refine: Refine = lambda response, writes: None,
        observe: Observe = unobserved,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`tls` comes from `tls.tls_context`; `transport` replaces the network; `sleep` waits between tries.

        Whoever waits for this `address` is told when a call was answered and `believed`.
        """
        self._voice, self._limits, self._address = voice, limits, address
        self._refine, self._observe, self._clock, self._sleep = refine, observe, clock, sleep
        self._free = asyncio.Semaphore(limits.concurrency)
        self._client = httpx.AsyncClient(
            auth=auth,
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(**asdict(timeouts)),
            limits=httpx.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency),
            verify=True if tls is None else tls,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
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
        """The 2xx answer of a call, body read. `writes` says whether it may change something upstream.

        Raises an `UpstreamError`: after a failure past sending `UnknownOutcome` for a write, `Unavailable` for a read.
        """
        request = self._built(method, url, params, headers, json=json, content=content)
        with self._translated(request, writes=writes):
            async with self._free:
                response = await self._sent(request, stream=False)
        return self._accepted(response, writes=writes)

    @asynccontextmanager
    async def stream_get(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The 2xx answer of a GET, body not yet read, for incremental parsing (memory does not grow with it).

        A connection that breaks while the body is read raises `Unavailable` too. It holds one place of the limit.
        """
        request = self._built("GET", url, params, headers)
        with self._translated(request, writes=False):
            async with self._free:
                response = await self._sent(request, stream=True)
                async with aclosing(response):
                    yield await self._opened(response)

    def believed(self, response: httpx.Response) -> None:
        """An answer was the API's own: whoever waits for this upstream need not wait any longer."""
        recovery.answered(self._address, response.extensions["began"])

    def _built(
        self, method: str, url: str, params: Params | None, headers: Mapping[str, str] | None, **body: Any
    ) -> httpx.Request:
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url
        try:
            return self._client.build_request(method, address, headers=headers, **body)
        except httpx.InvalidURL as error:
            raise failure_of(error, self._voice, method, writes=False) from None

    async def _sent(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Sends, and tries again (at once, then a few times with jitter) only what was provably not sent."""
        try:
            return await self._tried(request, stream)
        except NOT_SENT:
            if self._limits.tries == 1:
                raise
        return await self._retrying()(self._tried, request, stream)

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._limits.tries - 1),
            wait=wait_random_exponential(multiplier=0.2, max=2.0),
            retry=retry_if_exception_type(NOT_SENT),
            reraise=True,
        )

    async def _tried(self, request: httpx.Request, stream: bool) -> httpx.Response:
        began, started, result = monotonic(), perf_counter(), "cancelled"
        try:
            with measure_call(self._voice.name, request) as made:
                response = made.answered(await self._client.send(request, stream=stream))
            response.extensions["began"] = began
            PROCESS_CLOCK_CHECK.compare_http(self._voice.name, response.headers)
            result = str(response.status_code)
            return response
        except httpx.HTTPError as error:
            result = type(error).__name__
            raise
        finally:
            self._observe(request.method, request.url.path, result, perf_counter() - started)

    @contextmanager
    def _translated(self, request: httpx.Request, *, writes: bool) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise failure_of(error, self._voice, _call(request), writes=writes) from error

    async def _opened(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            await response.aread()
            return self._accepted(response, writes=False)
        return response

    def _accepted(self, response: httpx.Response, *, writes: bool) -> httpx.Response:
        """The response, if it is a success; raises the client's own verdict first, then the general one."""
        error = None if response.is_success else self._refine(response, writes)
        error = error or error_of(response, self._voice, _call(response.request), writes=writes, now=self._clock())
        if isinstance(error, Rejected):
            self.believed(response)
        if error is not None:
            raise error
        return response


def _call(request: httpx.Request) -> str:
    """Method and path; the query stays out of messages, it may carry keys or personal data."""
    return f"{request.method} {request.url.path}"
