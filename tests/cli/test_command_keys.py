"""The keys of commands: created once, checked, and on upgrade the settings for what was written before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli import requests
from services.cli.check.installation import command_findings
from services.cli.command_keys import KEY_FILE, PUBLIC_KEY_FILE, create_key_pair
from services.engine.kafka.signature import read_signer, require_public_key
from services.settings.base import SecretMissing
from services.settings.commands import CommandSettings
from tests.support.signing import KEYS

pytestmark = pytest.mark.claim("K34")


@pytest.fixture
def keys(tmp_path: Path) -> CommandSettings:
    """A new pair of keys."""
    assert create_key_pair(tmp_path)
    return CommandSettings(key_file=tmp_path / KEY_FILE, public_key_file=tmp_path / PUBLIC_KEY_FILE)


def test_the_private_key_is_for_its_owner_alone_and_is_never_replaced(keys: CommandSettings, tmp_path: Path) -> None:
    private, public = tmp_path / KEY_FILE, tmp_path / PUBLIC_KEY_FILE
    assert [file.stat().st_mode & 0o777 for file in (private, public)] == [0o600, 0o644]
    before = private.read_text(encoding="ascii")
    assert not create_key_pair(tmp_path)
    assert private.read_text(encoding="ascii") == before


Break = Callable[[CommandSettings], CommandSettings]


def _of_another(settings: CommandSettings) -> CommandSettings:
    return settings.model_copy(update={"public_key_file": KEYS.public_key_file})


def _readable_by_all(settings: CommandSettings) -> CommandSettings:
    assert settings.key_file
    settings.key_file.chmod(0o644)
    return settings


def _without(name: str) -> Break:
    return lambda settings: settings.model_copy(update={name: None})


CHECKS: dict[str, tuple[Break, bool | None, str]] = {
    "a pair": (lambda settings: settings, True, "belong together"),
    "two pairs": (_of_another, False, "does not belong to commands.key-file"),
    "a private key that others can read": (_readable_by_all, False, "other users of this machine"),
    "no private key": (_without("key_file"), None, "cannot be given from this machine"),
    "no public key": (_without("public_key_file"), False, "no command takes effect"),
}


@pytest.mark.parametrize(("change", "ok", "text"), CHECKS.values(), ids=CHECKS)
def test_check_says_whether_commands_can_be_given_and_verified(
    keys: CommandSettings, change: Break, ok: bool | None, text: str
) -> None:
    (finding,) = command_findings(change(keys))
    assert (finding.ok, text in finding.message) == (ok, True), finding


def test_a_service_does_not_start_without_a_public_key(keys: CommandSettings) -> None:
    require_public_key(keys)
    with pytest.raises(SecretMissing, match="davtari command-keys"):
        require_public_key(CommandSettings())


def test_without_a_private_key_a_command_says_what_to_do() -> None:
    with pytest.raises(SecretMissing, match=r"commands\.key-file is not set.*davtari command-keys"):
        read_signer(CommandSettings())


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_person_is_the_user_of_the_operating_system(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = requests.user_name()
    monkeypatch.setenv(variable, "the-accountant")
    assert requests.user_name() == own == requests.command_header()["asked_by"] != "the-accountant"
