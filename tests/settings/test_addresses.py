"""Addresses in the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settings import SettingsError, load
from services.settings.base import address_fault

ADDRESSES = {
    "https://shop.example.ge": True,
    "http://10.0.0.5:8080/Balance_Exchange/hs/Exchange": True,
    "http://server/Balance_Exchange/hs/Exchange": True,
    "https://ყავა.გე": True,
    "http://[::1]:8080": True,
    "": False,
    "shop.example.ge": False,
    "ftp://shop.example.ge": False,
    "http://": False,
    "https:///path": False,
    "http://server:99999/x": False,
    "http://server:port/x": False,
    "http://ser ver/x": False,
    "http://[::1": False,
    "http://server\n": False,
    "httpx://server": False,
}


@pytest.mark.parametrize(("text", "fine"), ADDRESSES.items())
def test_an_address_that_no_client_could_call_is_refused(text: str, fine: bool) -> None:
    assert (address_fault(text) == "") == fine


def _settings(**changed: str) -> Iterator[str]:
    lines = {
        "shop": 'url = "https://shop.test"',
        "balance": 'url = "https://server/x"',
        "receiver": 'public-url = "https://davtari.test"',
    } | changed
    yield f'[balance]\ntransport = "on-prem"\nuser-name = "u"\npassword-file = "p"\n{lines["balance"]}'
    yield f'[shops.main]\nkey-file = "k"\nsecret-file = "s"\n{lines["shop"]}'
    yield f"[receiver]\n{lines['receiver']}"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"shop": 'url = "http://[::1"'}, "shops.main.url"),
        ({"balance": 'url = "http://server:port/x"'}, "balance.url"),
        ({"receiver": 'public-url = "davtari.test"'}, "receiver.public-url"),
    ],
)
def test_settings_name_the_key_of_an_unusable_address(changed: dict[str, str], key: str, tmp_path: Path) -> None:
    path = tmp_path / "davtari.toml"
    path.write_text("\n".join(_settings()), encoding="utf-8")
    load(path, environ={})
    path.write_text("\n".join(_settings(**changed)), encoding="utf-8")
    with pytest.raises(SettingsError, match=key):
        load(path, environ={})
