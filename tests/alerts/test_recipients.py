"""Recipients: what their settings may say, what is wrong with an address, and the command that tries them."""

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
from tests.alerts.given import alerting, using
from tests.alerts.letterbox import Hook, hook_on
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
    """The command, with settings that begin with a shop and a Balance."""

    def run(more: str, url: str, *arguments: str) -> Result:
        (tmp_path / "owner").write_text(url, encoding="utf-8")
        (tmp_path / "davtari.toml").write_text(FILE + more, encoding="utf-8")
        return CliRunner().invoke(app, ["--settings", str(tmp_path / "davtari.toml"), "alerts", "test", *arguments])

    return run


@pytest.fixture
def hook() -> Iterator[tuple[Hook, int]]:
    """A webhook receiver in a thread of its own, and its port."""
    found, port, stop, up = Hook(), free_port(), asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with hook_on(found, port):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    up.wait(5)
    yield found, port
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_test_message_arrives_in_the_recipients_language(davtari: Davtari, hook: tuple[Hook, int]) -> None:
    found, port = hook
    done = davtari(RECIPIENT, f"json://127.0.0.1:{port}/")
    assert done.exit_code == 0, done.output
    assert found.titles == ["Davtari: საცდელი შეტყობინება"]


def test_a_dry_run_of_the_test_sends_nothing(davtari: Davtari, hook: tuple[Hook, int]) -> None:
    found, port = hook
    done = davtari(RECIPIENT, f"json://127.0.0.1:{port}/", "--dry-run", "--json")
    assert json.loads(done.output) == [{"recipient": "owner", "sent": False, "ok": True}]
    assert found.asked == 0


def test_an_address_that_takes_nothing_fails_the_test_and_says_where_it_exists(davtari: Davtari) -> None:
    done = davtari(RECIPIENT, f"json://127.0.0.1:{free_port()}/")
    assert done.exit_code == 1
    assert "owner" in done.output
    assert "failed" in done.output


@pytest.mark.parametrize(
    ("more", "arguments", "reported"),
    [("", (), "alerts.recipients"), (RECIPIENT, ("nobody",), "Unknown recipient 'nobody'. Recipients: owner")],
)
def test_who_is_not_there_is_named(davtari: Davtari, more: str, arguments: tuple[str, ...], reported: str) -> None:
    done = davtari(more, "json://127.0.0.1/", *arguments)
    assert done.exit_code == 2
    assert reported in done.output.replace("\n", " ")


def test_a_url_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(SecretMissing) as refused:
        RecipientAddress("owner", SecretStr("hunter2"))
    assert "alerts.recipients.owner.url-file" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("span", ["22:00", "22:00/08:00", "08:00-08:00", "25:00-08:00"])
def test_quiet_hours_that_are_none_are_refused(span: str) -> None:
    with pytest.raises(ValidationError, match=r"22:00-08:00|leave quiet-hours out"):
        alerting({"owner": {"url_file": "a", "quiet_hours": span}})


async def test_the_service_runs_only_where_somebody_is_to_be_told() -> None:
    assert configured_services(settings()) == list(SERVICES)
    assert configured_services(using(alerting())) == [*SERVICES, "alerts"]
    with pytest.raises(SecretMissing, match="name a recipient"):
        async with blueprint(settings()):
            pass
