"""HTTP calls to an upstream: measured, and traced as children of the delivery that makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import httpx
from opentelemetry.trace import SpanKind

from services.engine.telemetry import meters
from services.engine.telemetry.tracing import failed, span

FAILURES = 400
"""The first status of HTTP that is a failure."""


@dataclass(slots=True)
class Call:
    """One call under way; `answered` sets its status."""

    status: int | None = None

    def answered(self, response: httpx.Response) -> httpx.Response:
        """The upstream has answered."""
        self.status = response.status_code
        return response


@contextmanager
def call(upstream: str, request: httpx.Request) -> Iterator[Call]:
    """Around one call. Of the address only host and path are told: the query may hold keys or personal data."""
    about = {
        "http.request.method": request.method,
        "url.path": request.url.path,
        "server.address": request.url.host,
        "peer.service": upstream,
    }
    made, begun, result = Call(), perf_counter(), "cancelled"
    with span(request.method, SpanKind.CLIENT, about) as told:
        try:
            yield made
            result = str(made.status)
        except httpx.HTTPError as error:
            result = type(error).__name__
            raise
        finally:
            meters.UPSTREAM.labels(upstream, request.method, result).observe(perf_counter() - begun)
        if made.status is not None:
            told.set_attribute("http.response.status_code", made.status)
            if made.status >= FAILURES:
                failed(told, result)
