"""Streamed answers, and the certificates that a connection trusts."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest

from services.connectors.http.upstream import create_tls_context
from services.engine.outbox.upstream_errors import AccessDenied, Unavailable
from services.settings import SettingsError
from tests.http.fake_upstream import URL, answers, upstream


async def test_a_stream_yields_its_body_in_chunks() -> None:
    async def pieces() -> object:
        for piece in (b"[1,", b"2]"):
            yield piece

    handler = lambda request: httpx.Response(200, content=pieces())  # noqa: E731
    async with upstream(handler) as calls, calls.stream_get(URL) as response:  # type: ignore[arg-type]
        read = [piece async for piece in response.aiter_bytes()]

    assert read == [b"[1,", b"2]"]


async def test_an_interrupted_stream_is_unavailable() -> None:
    async def pieces() -> object:
        yield b"[1,"
        raise httpx.ReadError("reset")

    async with upstream(lambda request: httpx.Response(200, content=pieces())) as calls:  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match="the connection broke before the answer was complete"):
            async with calls.stream_get(URL) as response:
                assert [piece async for piece in response.aiter_bytes()] == []


async def test_a_refused_stream_raises_like_any_read() -> None:
    async with upstream(answers(401)) as calls:
        with pytest.raises(AccessDenied, match="Renew the key"):
            async with calls.stream_get(URL):
                pytest.fail("the stream was opened")


def test_certificates_are_checked_unless_disabled_which_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        checked, unchecked = create_tls_context("Balance"), create_tls_context("Balance", verify=False)
    assert (checked.check_hostname, unchecked.check_hostname) == (True, False)
    assert [record.getMessage() for record in caplog.records] == [
        "Balance: TLS certificates are NOT checked (verify-tls = false); passwords can be stolen"
    ]


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_an_invalid_ca_file_is_reported_at_the_start(tmp_path: Path, text: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if text is not None:
        ca_file.write_text(text)
    with pytest.raises(SettingsError, match=r"Balance: ca-file .*ca\.pem contains no usable certificate"):
        create_tls_context("Balance", ca_file=ca_file)
