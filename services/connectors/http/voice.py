"""How an upstream is named to a person, and what its answers mean to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from contracts.reasons import Reason
from services.connectors.http.descriptions import described


class Explanation(NamedTuple):
    """What an answer is, in words; what ends the trouble, and the reason code of its cause, where that is known."""

    words: str
    fix: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """What messages about an upstream say: its name, the reason code of a refusal, and where things are corrected.

    `explain` looks at an answer that is not as it should be.
    """

    name: str
    refused: Reason
    mend_access: str
    mend_address: str
    explain: Callable[[httpx.Response], Explanation] = lambda response: Explanation(described(response))
