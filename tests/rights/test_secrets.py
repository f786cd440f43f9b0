"""Each service gets the secrets that it reads, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.registry import OPTIONAL_SERVICES, SERVICES, load_blueprint
from services.cli.rights.secrets import OPERATOR, files_of, lay_out, named_files, needed_by
from services.engine.kafka.signature import read_verifier
from services.settings import Settings, load
from services.settings import base as reading
from tests.rights.sample_installation import sample_settings

EVERY_SERVICE = (*SERVICES, *OPTIONAL_SERVICES)


@pytest.mark.parametrize("service", EVERY_SERVICE)
async def test_a_service_reads_exactly_the_secrets_that_it_gets(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, read = sample_settings(tmp_path), set[Path]()
    monkeypatch.setattr(reading.Path, "read_text", spy(read, Path.read_text))
    settings.privacy.secret()  # as at the start of every service, and the next
    read_verifier(settings.commands, settings.kafka.topic_prefix)
    async with load_blueprint(service)(settings):
        found = {file for file in read if file.parent.name == "secrets"}
    assert found == set(files_of(settings, service))


def spy(read: set[Path], read_text: object) -> object:
    """`Path.read_text` that notes which files are read."""

    def noting(self: Path, *arguments: object, **options: object) -> object:
        read.add(self)
        return read_text(self, *arguments, **options)  # type: ignore[operator]

    return noting


def test_every_file_of_the_settings_is_needed_by_somebody(tmp_path: Path) -> None:
    settings = sample_settings(tmp_path)
    assert [key for key, _ in named_files(settings) if not needed_by(settings, key)] == []


def test_the_password_of_balance_is_where_balance_is_called_only(tmp_path: Path) -> None:
    settings = sample_settings(tmp_path)
    holders = {who for who in (*EVERY_SERVICE, OPERATOR) if settings.balance.password_file in files_of(settings, who)}
    assert holders == {"balance-feed", "order-exporter", "refund-exporter", OPERATOR}


def test_a_shop_whose_contacts_are_merged_is_called_by_the_exporter_too(tmp_path: Path) -> None:
    settings = sample_settings(tmp_path)
    shop = settings.shops["main"]
    assert shop.key_file not in files_of(settings, "order-exporter")
    text = (tmp_path / "davtari.toml").read_text(encoding="utf-8")
    merging = text + '\n[shops.main.orders.clients.contacts]\nphone = "ask"\n'
    (tmp_path / "davtari.toml").write_text(merging, encoding="utf-8")
    merged = load(tmp_path / "davtari.toml", environ={})
    assert {shop.key_file, shop.secret_file} <= set(files_of(merged, "order-exporter"))
    assert not set(shop.webhook_secret_files) & set(files_of(merged, "order-exporter"))


@pytest.mark.parametrize("who", [*EVERY_SERVICE, OPERATOR])
def test_a_folder_holds_the_settings_and_these_secrets(who: str, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    given = sample_settings(tmp_path / "given")
    lay_out(tmp_path / "given/davtari.toml", given, who, tmp_path / who)
    laid: Settings = load(tmp_path / who / "davtari.toml", environ={})
    wanted = {file.name for file in files_of(given, who)}
    secrets = tmp_path / who / "secrets"
    assert {file.name for file in secrets.iterdir()} == wanted if wanted else not secrets.exists()
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files_of(laid, who))
    assert (tmp_path / who).stat().st_mode & 0o777 == 0o700


def test_only_who_gives_commands_can_sign_them(tmp_path: Path) -> None:
    settings = sample_settings(tmp_path)
    assert settings.commands.key_file in files_of(settings, OPERATOR)
    holders = [who for who in EVERY_SERVICE if settings.commands.key_file in files_of(settings, who)]
    assert holders == []
