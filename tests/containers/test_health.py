"""What HEALTHCHECK asks: a service that is healthy, one that is not, and none at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.cli.health import PORT, check_health
from tests.containers.composed import free_port


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        healthy = self.path == "/livez"
        self.send_response(200 if healthy else 503)
        self.end_headers()
        self.wfile.write(b"healthy" if healthy else b"it has still to read 17 records")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def served() -> Iterator[dict[str, str]]:
    server = HTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {PORT: str(server.server_port)}
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_that_says_yes_is_well(served: dict[str, str]) -> None:
    assert check_health("livez", served) == (True, "healthy")


def test_an_unhealthy_service_is_reported_with_its_reason(served: dict[str, str]) -> None:
    assert check_health("readyz", served) == (False, "it has still to read 17 records")


def test_no_response_is_reported_with_the_address() -> None:
    port = free_port()
    healthy, message = check_health("readyz", {PORT: port})
    assert not healthy
    assert f"127.0.0.1:{port}" in message


def test_a_missing_port_is_reported_by_its_variable() -> None:
    healthy, message = check_health("readyz", {})
    assert not healthy
    assert PORT in message
