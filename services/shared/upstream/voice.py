"""How an upstream is named to a person."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.reasons import Reason


@dataclass(frozen=True, slots=True)
class Voice:
    """What messages about an upstream say: its name, the reason code of a refusal, and where things are mended."""

    name: str
    refused: Reason
    mend_access: str
    mend_address: str
