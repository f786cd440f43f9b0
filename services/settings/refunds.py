"""Who makes the credit notes of a shop's refunds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.settings.base import Section


class RefundSettings(Section):
    """`manual`: a live flow writes no credit note, plans each one, and day-close lists what waits (claim S2.11)."""

    policy: Literal["automatic", "manual"] = Field(
        default="automatic", description="manual: the accountant makes each credit note by hand"
    )
