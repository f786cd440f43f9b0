"""A process of Davtari as an operator sees it: its health, its metrics, and the error if its port is in use."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from services.cli import run
from services.engine.kafka.topics import create_topics
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.process_monitor import ProcessMonitor
from services.engine.telemetry.families import FAMILIES
from services.settings.load import load
from services.settings.model import PrivacySettings, Settings
from tests.kafka.topics import Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.runtime.sample_process import blueprint, settings
from tests.support.secret import SECRET
from tests.support.signing import KEYS
from tests.telemetry.scrape import Scrape, scrape

NAME = "stock-publisher"
DAVTARI = "from services.cli.app import app; app()"
FILE = """
[balance]
application-id = "1"
user-name = "davtari"
password-file = "secret"

[shops.main]
url = "http://127.0.0.1:9"
key-file = "secret"
secret-file = "secret"

[kafka]
bootstrap-servers = "{broker}"
topic-prefix = "{prefix}"

[privacy]
secret-file = "privacy"

[commands]
public-key-file = "{key}"

[telemetry.ports]
stock-publisher = {port}
"""


@pytest.fixture
async def settings_file(topics: Topics, tmp_path: Path, unused_tcp_port: int) -> Path:
    """Settings for one service with a health port; the topics exist."""
    kafka, file = topics.settings, tmp_path / "davtari.toml"
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "privacy").write_text(SECRET)
    at = {"broker": kafka.bootstrap_servers, "prefix": kafka.topic_prefix, "port": unused_tcp_port}
    file.write_text(FILE.format(**at, key=KEYS.public_key_file))
    await create_topics(load(file, {}).kafka)
    return file


@asynccontextmanager
async def davtari(file: Path) -> AsyncIterator[Process]:
    """Run `davtari run stock-publisher`; ended with SIGTERM."""
    arguments = ("-c", DAVTARI, "--settings", str(file), "run", NAME)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def with_another_folder(settings_file: Path) -> Path:
    """The same settings with another state folder."""
    file = settings_file.with_name("elsewhere.toml")
    file.write_text(settings_file.read_text() + '\n[state]\ndirectory = "elsewhere"\n')
    return file


@pytest.mark.kafka
async def test_a_process_serves_health_and_metrics_of_its_service(settings_file: Path, unused_tcp_port: int) -> None:
    base = f"http://127.0.0.1:{unused_tcp_port}"

    async def ready() -> bool:
        try:
            return (await client.get(f"{base}/readyz")).status_code == 200
        except httpx.ConnectError:
            return False

    async with httpx.AsyncClient() as client, davtari(settings_file) as first:
        await eventually(ready, "the process is ready")
        found = Scrape((await client.get(f"{base}/metrics")).text)
        async with davtari(with_another_folder(settings_file)) as second:
            _, complaint = await second.communicate()
        assert (await client.get(f"{base}/livez")).json()["live"] is True

    assert first.returncode == 0
    assert (second.returncode, b"telemetry.port" in complaint) == (2, True), complaint
    assert found("davtari_service_ready", service=NAME) == 1
    assert found("davtari_consumer_lag_records", service=NAME, topic="balance.stock") == 0
    declared = tuple(family.name.removesuffix("_total") for family in FAMILIES)
    assert {name for name in found.names if not name.startswith((*declared, "process_"))} == set()


class FailsFirst:
    """A service that fails at its first start."""

    def __init__(self, plan: Blueprint) -> None:
        self._plan, self.starts = plan, 0

    @asynccontextmanager
    async def __call__(self, _: Settings) -> AsyncIterator[Blueprint]:
        self.starts += 1
        if self.starts == 1:
            raise OSError("no disk")
        yield self._plan


@pytest.mark.kafka
async def test_a_service_that_fails_is_counted_and_monitored_again_once_it_runs(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor, service = ProcessMonitor(["falls"], 300), FailsFirst(blueprint(Upstream().deliver, name="falls"))
    monkeypatch.setattr(run, "load_blueprint", {"falls": service}.__getitem__)
    before = scrape()("davtari_service_restarts_total", service="falls") or 0.0
    (tmp_path / "privacy").write_text(SECRET)
    using = settings(topics.settings, tmp_path).model_copy(
        update={"privacy": PrivacySettings(secret_file=tmp_path / "privacy")}
    )
    running = asyncio.create_task(run.supervise("falls", using, watching=monitor.watch_service))

    async def ready() -> bool:
        await monitor.refresh()
        return (await monitor.ready()).ok

    try:
        assert not (await monitor.ready()).ok
        await eventually(ready, "it is ready")
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert scrape()("davtari_service_restarts_total", service="falls") == before + 1
    assert (await monitor.ready()).faults["falls"][0].startswith("it does not run")
