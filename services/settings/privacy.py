"""How people's data stands in the topics."""

from __future__ import annotations

from pydantic import Field

from services.settings.base import Section


class PrivacySettings(Section):
    """What is sealed can be forgotten, although the log is never changed (claim S2.16)."""

    seal: bool = Field(
        default=True, description="events hold people's data under a key of each person; both forms are always read"
    )
