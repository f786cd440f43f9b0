"""Where Balance is published: cloud and on-prem paths (API facts: `sm/o` and `sm/a`, an optional locale segment)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.sandbox.balance.errors import Turned
from services.sandbox.balance.settings import BalanceSandboxSettings


@dataclass(frozen=True)
class Address:
    """What a path names; `publication` is "" on-prem."""

    publication: str
    resource: str


def located(path: str, settings: BalanceSandboxSettings) -> Address:
    """The resource that a path names; letter case matters. Raises `Turned` 404 for a path that is not published."""
    cloud = rf"/sm/(?P<publication>[oa])/Balance/{settings.application_id}(/[a-z]{{2}}_[A-Z]{{2}})?"
    base = rf"({cloud}|{re.escape(settings.on_prem_base)})"
    found = re.fullmatch(rf"{base}/hs/Exchange/(?P<resource>\w+)", path)
    if found is None:
        raise Turned(404, f"No Exchange service is published at {path}")
    return Address(found["publication"] or "", found["resource"])
