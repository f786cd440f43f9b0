"""Bounds of a call: how large its answer may be when it is unpacked, and how long the call may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that describe the body as it was sent, not as it is read."""


class AnswerTooLarge(httpx.DecodingError):
    """The answer is larger than any list of records, or packed so that it might become so."""


class CallTooLong(httpx.ReadTimeout):
    """The whole call took longer than its deadline, although the upstream was never silent for long."""


def bound_answer(response: httpx.Response, largest: int) -> httpx.Response:
    """The answer, its body not yet read; reading more than `largest` unpacked bytes raises `AnswerTooLarge`.

    A body that is packed more than once is refused unread: each layer can multiply the size by a thousand.
    """
    if "," in response.headers.get("content-encoding", ""):
        raise AnswerTooLarge("the answer is packed more than once", request=response.request)
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _OF_THE_BODY]
    return httpx.Response(
        response.status_code,
        headers=headers,
        stream=_BoundedStream(response, largest),
        request=response.request,
        extensions=response.extensions,
    )


@asynccontextmanager
async def limit_time(seconds: float, request: httpx.Request) -> AsyncIterator[None]:
    """Raises `CallTooLong` when what is inside takes longer."""
    try:
        async with asyncio.timeout(seconds) as deadline:
            yield
    except TimeoutError:
        if not deadline.expired():
            raise
        raise CallTooLong(f"the call took more than {seconds:g} s", request=request) from None


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, largest: int) -> None:
        self._response, self._largest = response, largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._response.aiter_bytes():
            size += len(part)
            if size > self._largest:
                message = f"the answer has more than {self._largest} bytes"
                raise AnswerTooLarge(message, request=self._response.request)
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()
