"""Who gets which alerts, where and when."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from services.settings.base import Section, read_secret

Owner = Literal["accountant", "storefront", "integrator", "merchant"]
EVERYTHING: tuple[Owner, ...] = ("accountant", "storefront", "integrator", "merchant")


def _is_span(text: str) -> str:
    try:
        begin, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ValueError(f'"{text}" is not a range of hours; write two times of Tbilisi: "22:00-08:00"') from None
    if begin == end:
        raise ValueError(f'"{text}" begins where it ends; leave quiet-hours out to get alerts at any hour')
    return text


class RecipientSettings(Section):
    """One address, as an Apprise URL in a file, and which alerts it gets."""

    url_file: Path = Field(description="holds one Apprise URL: mailtos://…, tgram://…, jsons://…")
    roles: tuple[Owner, ...] = Field(default=EVERYTHING, min_length=1, description="causes that these roles resolve")
    language: Literal["en", "ka"] = "en"
    quiet_hours: Annotated[str, AfterValidator(_is_span)] | None = Field(
        default=None, description='hours of Tbilisi in which nothing is sent, e.g. "22:00-08:00"'
    )

    def url(self, name: str) -> SecretStr:
        """The Apprise URL from its file. Raises `SecretMissing`."""
        return read_secret(self.url_file, f"alerts.recipients.{name}.url-file")


class AlertSettings(Section):
    """One message when a cause opens, reminders while it is open, one when it is gone (times in seconds)."""

    recipients: dict[str, RecipientSettings] = Field(min_length=1)
    dry_run: bool = Field(default=False, description="only log and record what would be sent")
    gather: float = Field(default=30.0, ge=0, description="how long the first message of a cause waits for more of it")
    calm: float = Field(default=60.0, ge=0, description="how long a cause must be gone until that is reported")
    quiet: float = Field(default=900.0, ge=0, description="no new message of a cause so soon after it was gone")
    remind: float = Field(default=4 * 3600.0, ge=60, description="until the first reminder; then twice as long, …")
    remind_at_most: float = Field(default=3 * 86400.0, ge=60, description="… up to this")
    paid_order_limit: float = Field(default=1800.0, gt=0, description="how late the Sale of a paid order may be")
