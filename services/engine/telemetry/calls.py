"""Measures HTTP calls to an upstream, and traces them as children of the delivery that makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import httpx
from opentelemetry.trace import SpanKind

from services.engine.telemetry import metrics
from services.engine.telemetry.tracing import mark_failed, span

FIRST_ERROR_STATUS = 400


@dataclass(slots=True)
class UpstreamCall:
    """One call in progress; `answered` sets its status."""

    status: int | None = None

    def answered(self, response: httpx.Response) -> httpx.Response:
        """Note the status of the upstream's response, and return it."""
        self.status = response.status_code
        return response


@contextmanager
def measure_call(upstream: str, request: httpx.Request) -> Iterator[UpstreamCall]:
    """Measure and trace the call in the block. Only host and path are recorded: the query may contain keys or personal
    data."""
    attributes = {
        "http.request.method": request.method,
        "url.path": request.url.path,
        "server.address": request.url.host,
        "peer.service": upstream,
    }
    call, started, result = UpstreamCall(), perf_counter(), "cancelled"
    with span(request.method, SpanKind.CLIENT, attributes) as current:
        try:
            yield call
            result = str(call.status)
        except httpx.HTTPError as error:
            result = type(error).__name__
            raise
        finally:
            metrics.UPSTREAM.labels(upstream, request.method, result).observe(perf_counter() - started)
        if call.status is not None:
            current.set_attribute("http.response.status_code", call.status)
            if call.status >= FIRST_ERROR_STATUS:
                mark_failed(current, result)
