"""What HEALTHCHECK asks: a service that is well, one that is not, and none at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.cli.health import PORT, check_health
from tests.containers.composed import free_port


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        well = self.path == "/livez"
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(b"well" if well else b"it has still to read 17 records")

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
    assert check_health("livez", served) == (True, "well")


def test_a_service_that_says_no_is_not_and_its_reason_is_told(served: dict[str, str]) -> None:
    assert check_health("readyz", served) == (False, "it has still to read 17 records")


def test_no_answer_is_told_with_its_address() -> None:
    port = free_port()
    well, told = check_health("readyz", {PORT: port})
    assert not well
    assert f"127.0.0.1:{port}" in told


def test_a_port_that_was_never_set_is_told_by_its_name() -> None:
    well, told = check_health("readyz", {})
    assert not well
    assert PORT in told
