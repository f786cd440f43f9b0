"""`davtari check` names a missing secret by its key before `davtari up` stops at it, and the tested versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.accounting.checks import shop as shop_checks
from services.accounting.checks.findings import FLOWS
from services.cli.check import installation
from services.cli.init.interview import write_secret
from services.settings.model import Settings
from tests.woocommerce.shop_double import answer_by_path, client

FILES = ("balance", "key", "secret", "webhook", "webhook-old", "kafka", "mail", "token")


def settings(folder: Path) -> Settings:
    """Settings whose every secret has a file in the folder."""
    for name in FILES:
        (folder / name).write_text("secret\n", encoding="utf-8")
        (folder / name).chmod(0o600)
    write_secret(folder / "privacy", "not a real one, but as long as a real one is")
    shop = {
        "url": "https://shop.test",
        "key_file": folder / "key",
        "secret_file": folder / "secret",
        "webhook_secret_files": (folder / "webhook", folder / "webhook-old"),
    }
    kafka = {"security_protocol": "SASL_SSL", "user_name": "davtari", "password_file": folder / "kafka"}
    balance = {"application_id": "1234", "user_name": "davtari", "password_file": folder / "balance"}
    alerts = {"recipients": {"nino": {"url_file": folder / "mail"}}}
    outside = {"balance": balance, "shops": {"main": shop}, "kafka": kafka, "alerts": alerts}
    own = {"privacy": {"secret_file": folder / "privacy"}, "telemetry": {"token_file": folder / "token"}}
    return Settings.model_validate(outside | own)


def test_secrets_that_can_be_read_are_one_line(tmp_path: Path) -> None:
    [found] = installation.secret_findings(settings(tmp_path))
    assert (found.ok, found.message) == (True, "9 files readable")


@pytest.mark.parametrize("how", ["missing", "empty", "a folder"])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("balance", "balance.password-file"),
        ("key", "shops.main.key-file"),
        ("secret", "shops.main.secret-file"),
        ("webhook", "shops.main.webhook-secret-files"),
        ("webhook-old", "shops.main.webhook-secret-files"),
        ("kafka", "kafka.password-file"),
        ("mail", "alerts.recipients.nino.url-file"),
        ("token", "telemetry.token-file"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named_by_its_key_and_file(
    tmp_path: Path, name: str, key: str, how: str
) -> None:
    chosen = settings(tmp_path)
    (tmp_path / name).unlink()
    if how == "empty":
        (tmp_path / name).touch()
    elif how == "a folder":
        (tmp_path / name).mkdir()
    [found] = installation.secret_findings(chosen)
    assert (found.what, found.ok) == (key, False)
    assert str(tmp_path / name) in found.message + found.fix
    assert found.flows == (() if name in ("mail", "token") else FLOWS)
    assert ("token_urlsafe" in found.fix) == name.startswith(("webhook", "token"))


@pytest.mark.parametrize(
    ("version", "tested"),
    [
        ("9.9.5", True),
        ("9.9.6", True),
        ("10.5.0", True),
        ("10.5.0-beta.1", True),
        ("9.8.1", False),
        ("9.95.0", False),
        ("10.6.0", False),
        ("11.0.0", False),
        ("8.2.0", False),
        ("odd", False),
    ],
)
async def test_tested_versions_are_listed_and_another_version_is_reported(version: str, tested: bool) -> None:
    status: dict[str, Any] = {"environment": {"version": version}, "settings": {"HPOS_enabled": True}}
    async with client(answer_by_path(system_status=httpx.Response(200, json=status))) as shop:
        [found] = await shop_checks.check_version(shop)
    assert (found.ok is True) == tested
    assert found.message == f"{version}, HPOS on; tested with 9.9.5 and 10.5.0"
    assert ("another version" in found.fix) == (not tested)


async def test_a_hidden_version_still_names_the_tested_ones() -> None:
    async with client(answer_by_path(system_status=httpx.Response(404, json={"code": "rest_no_route"}))) as shop:
        [found] = await shop_checks.check_version(shop)
    assert found.ok is None
    assert "tested with 9.9.5 and 10.5.0" in found.message
