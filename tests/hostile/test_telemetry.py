"""Health and metrics: whoever has no token learns nothing, and without a token only this machine can ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from services.cli.health import PORT, TOKEN_FILE, check_health
from services.cli.init.interview import write_secret
from services.engine.runtime.process_monitor import ProcessMonitor, serve_telemetry
from services.settings import SettingsError, load
from services.settings.base import SecretMissing
from services.settings.model import TelemetrySettings
from tests.rights.sample_installation import sample_settings

TOKEN = "a-long-random-text"
PAGES = ("/livez", "/readyz", "/metrics", "/")


@pytest.fixture
async def served(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[TelemetrySettings]:
    """A process that serves health and metrics to whoever has the token."""
    write_secret(tmp_path / "token", TOKEN)
    settings = TelemetrySettings(port=unused_tcp_port, token_file=tmp_path / "token")
    serving = asyncio.create_task(serve_telemetry(ProcessMonitor([], 300), settings, settings.port))
    yield settings
    serving.cancel()
    await asyncio.wait([serving])


@retry(retry=retry_if_exception_type(httpx.ConnectError), stop=stop_after_delay(20), wait=wait_fixed(0.1), reraise=True)
async def ask(served: TelemetrySettings, page: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{served.port}{page}", headers=headers)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "authorization", ["", TOKEN, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"bearer{TOKEN}"]
)
async def test_without_the_token_nobody_learns_anything(
    served: TelemetrySettings, page: str, authorization: str
) -> None:
    answer = await ask(served, page, authorization=authorization)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.text == "a token is needed"


async def test_with_the_token_health_and_metrics_are_served(served: TelemetrySettings) -> None:
    for page in ("/livez", "/readyz"):
        assert (await ask(served, page, authorization=f"Bearer {TOKEN}")).status_code == 200
    assert "davtari_" in (await ask(served, "/metrics", authorization=f"Bearer {TOKEN}")).text


async def test_the_health_check_of_a_container_sends_the_token(served: TelemetrySettings, tmp_path: Path) -> None:
    await ask(served, "/livez")
    environment = {PORT: str(served.port), TOKEN_FILE: str(tmp_path / "token")}
    assert (await asyncio.to_thread(check_health, "readyz", environment))[0] is True
    assert (await asyncio.to_thread(check_health, "readyz", {PORT: str(served.port)}))[0] is False


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "davtari.internal", ""])
def test_other_machines_need_a_token(host: str, tmp_path: Path) -> None:
    sample_settings(tmp_path)
    where = {"DAVTARI__TELEMETRY__HOST": host, "DAVTARI__TELEMETRY__PORT": "9464"}
    with pytest.raises(SettingsError, match=r"telemetry: host .* set token-file"):
        load(tmp_path / "davtari.toml", environ=where)
    load(tmp_path / "davtari.toml", environ=where | {"DAVTARI__TELEMETRY__TOKEN_FILE": "secrets/telemetry-token"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert TelemetrySettings(host=host, port=9464).token() is None


async def test_a_token_that_others_can_read_is_refused_at_the_start(tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o644)
    settings = TelemetrySettings(port=unused_tcp_port, token_file=tmp_path / "token")
    with pytest.raises(SecretMissing, match="chmod 600"):
        await serve_telemetry(ProcessMonitor([], 300), settings, settings.port)
