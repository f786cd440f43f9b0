"""Recipients: their settings, invalid addresses, and the command that tests them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from services.alerts.app import blueprint
from services.alerts.deliveries import RecipientAddress
from services.cli.app import app
from services.cli.registry import SERVICES, configured_services
from services.settings.base import SecretMissing
from tests.alerts.receivers import WebhookReceiver, serve_webhook
from tests.alerts.samples import alert_settings, shop_settings
from tests.subscribers.receiver import free_port
from tests.support.exporting import settings

FILE = """
[balance]
application-id = "1234"
user-name = "davtari"
password-file = "none"
[shops.main]
url = "https://shop.example"
key-file = "none"
secret-file = "none"
"""
RECIPIENT = '[alerts.recipients.owner]\nurl-file = "owner"\nlanguage = "ka"\n'
Davtari = Callable[..., Result]


@pytest.fixture
def davtari(tmp_path: Path) -> Davtari:
    """Run `davtari alerts test` with settings of a shop and a Balance."""

    def run(more: str, url: str, *arguments: str) -> Result:
        (tmp_path / "owner").write_text(url, encoding="utf-8")
        (tmp_path / "davtari.toml").write_text(FILE + more, encoding="utf-8")
        return CliRunner().invoke(app, ["--settings", str(tmp_path / "davtari.toml"), "alerts", "test", *arguments])

    return run


@pytest.fixture
def hook() -> Iterator[tuple[WebhookReceiver, int]]:
    """A webhook receiver in its own thread, and its port."""
    found, port, stop, up = WebhookReceiver(), free_port(), asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serve_webhook(found, port):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    up.wait(5)
    yield found, port
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_test_message_arrives_in_the_recipients_language(davtari: Davtari, hook: tuple[WebhookReceiver, int]) -> None:
    found, port = hook
    result = davtari(RECIPIENT, f"json://127.0.0.1:{port}/")
    assert result.exit_code == 0, result.output
    assert found.titles == ["Davtari: საცდელი შეტყობინება"]


def test_a_dry_run_of_the_test_sends_nothing(davtari: Davtari, hook: tuple[WebhookReceiver, int]) -> None:
    found, port = hook
    result = davtari(RECIPIENT, f"json://127.0.0.1:{port}/", "--dry-run", "--json")
    assert json.loads(result.output) == [{"recipient": "owner", "sent": False, "ok": True}]
    assert found.calls == 0


def test_an_address_that_accepts_nothing_fails_the_test_and_is_named(davtari: Davtari) -> None:
    result = davtari(RECIPIENT, f"json://127.0.0.1:{free_port()}/")
    assert result.exit_code == 1
    assert "owner" in result.output
    assert "failed" in result.output


@pytest.mark.parametrize(
    ("more", "arguments", "message"),
    [("", (), "alerts.recipients"), (RECIPIENT, ("nobody",), "Unknown recipient 'nobody'. Recipients: owner")],
)
def test_an_unknown_recipient_is_named(davtari: Davtari, more: str, arguments: tuple[str, ...], message: str) -> None:
    result = davtari(more, "json://127.0.0.1/", *arguments)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")


def test_an_invalid_url_is_refused_without_being_shown() -> None:
    with pytest.raises(SecretMissing) as refused:
        RecipientAddress("owner", SecretStr("hunter2"))
    assert "alerts.recipients.owner.url-file" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("span", ["22:00", "22:00/08:00", "08:00-08:00", "25:00-08:00"])
def test_invalid_quiet_hours_are_refused(span: str) -> None:
    with pytest.raises(ValidationError, match=r"22:00-08:00|leave quiet-hours out"):
        alert_settings({"owner": {"url_file": "a", "quiet_hours": span}})


async def test_the_service_runs_only_with_a_recipient() -> None:
    assert configured_services(settings()) == list(SERVICES)
    assert configured_services(shop_settings(alert_settings())) == [*SERVICES, "alerts"]
    with pytest.raises(SecretMissing, match="name a recipient"):
        async with blueprint(settings()):
            pass
