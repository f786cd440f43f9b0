"""The files with secrets, each by its key in the settings: what `davtari up` would stop at is found before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.accounting.checks.finding import FLOWS, Finding
from services.settings.base import SecretMissing, read_secret
from services.settings.model import Settings

NEW = """python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > {path}"""
"""What makes a secret that only we and the shop's webhooks need to know."""


def findings(settings: Settings) -> list[Finding]:
    """A finding for each secret that cannot be read, or one for all."""
    files = list(_files(settings))
    wrong = [found for key, path in files if (found := _missing(key, path))]
    return wrong or [Finding("secrets", True, f"{len(files)} files read")]


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "balance.password-file", settings.balance.password_file
    for name, shop in settings.shops.items():
        yield f"shops.{name}.key-file", shop.key_file
        yield f"shops.{name}.secret-file", shop.secret_file
        for path in shop.webhook_secret_files:
            yield f"shops.{name}.webhook-secret-files", path
    if settings.kafka.password_file:
        yield "kafka.password-file", settings.kafka.password_file
    if settings.kafka.key_password_file:
        yield "kafka.key-password-file", settings.kafka.key_password_file
    for name, recipient in (settings.alerts.recipients if settings.alerts else {}).items():
        yield f"alerts.recipients.{name}.url-file", recipient.url_file


def _missing(key: str, path: Path) -> Finding | None:
    try:
        read_secret(path, key)
    except SecretMissing as error:
        fix = NEW.format(path=path) if "webhook" in key else f"write the secret into {path}, one line"
        flows = () if key.startswith("alerts.") else FLOWS
        return Finding(key, False, str(error).removeprefix(f"{key}: ").partition(";")[0], fix, flows)
    return None
