"""Secrets that others can read are refused, and so is an address to which a secret would be sent in clear."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from services.engine.state.files import make_private
from services.settings import SettingsError, load
from services.settings.base import SecretMissing, is_unencrypted, read_secret


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_a_secret_of_its_owner_or_group_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("ck_1\n", encoding="utf-8")
    file.chmod(mode)
    assert read_secret(file, "shops.main.key-file").get_secret_value() == "ck_1"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o640 | 0o004, 0o660, 0o602, 0o777])
def test_a_secret_that_others_can_read_or_change_is_refused_with_the_command_to_type(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("ck_1\n", encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(SecretMissing, match=f"chmod 600 {file}"):
        read_secret(file, "shops.main.key-file")


def test_the_state_folder_and_what_is_in_it_are_taken_from_others(tmp_path: Path) -> None:
    folder, file = tmp_path / "state", tmp_path / "state" / "order-exporter.v5.sqlite"
    folder.mkdir()
    file.write_bytes(b"")
    folder.chmod(0o755)
    file.chmod(0o644)
    make_private(folder)
    assert (S_IMODE(folder.stat().st_mode), S_IMODE(file.stat().st_mode)) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("address", "unencrypted"),
    [
        ("https://shop.test", False),
        ("http://127.0.0.1:8080", False),
        ("http://127.8.9.10", False),
        ("http://[::1]:8080", False),
        ("http://localhost:8080/shop", False),
        ("http://shop.test", True),
        ("http://192.168.0.5", True),
        ("http://127.0.0.1.shop.test", True),
        ("http://localhost.shop.test", True),
        ("http://127.0.0.1@shop.test", True),
        ("http://[::ffff:10.0.0.1]", True),
        ("HTTP://shop.test", True),
    ],
)
def test_which_addresses_cross_a_network_in_clear(address: str, unencrypted: bool) -> None:
    assert is_unencrypted(address) == unencrypted


def _written(folder: Path, balance: str, shop: str) -> Path:
    text = f"""
[balance]
transport = "on-prem"
user-name = "u"
password-file = "p"
{balance}
[shops.main]
key-file = "k"
secret-file = "s"
{shop}
"""
    path = folder / "davtari.toml"
    path.write_text(text, encoding="utf-8")
    return path


IN_CLEAR = ('url = "http://erp/x"', 'url = "http://shop.test"')
ALLOWED = tuple(f"{line}\nallow-http = true" for line in IN_CLEAR)


def test_every_address_in_clear_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(_written(tmp_path, *IN_CLEAR), environ={})
    first, balance, shop = str(refused.value).splitlines()
    assert first.endswith("davtari.toml cannot be used:")
    assert "balance.url: http://erp/x would receive the password unencrypted" in balance
    assert "shops.main.url: http://shop.test would receive the key unencrypted" in shop
    assert "https://" in balance and "balance.allow-http = true" in balance and "shops.main.allow-http = true" in shop


def test_a_person_may_allow_it(tmp_path: Path) -> None:
    settings = load(_written(tmp_path, *ALLOWED), environ={})
    assert (settings.balance.allow_http, settings.shops["main"].allow_http) == (True, True)
