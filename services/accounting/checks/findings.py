"""The results of checks, with the fix of each problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.connectors.http.listing import UnreadableRecord
from services.settings.model import Settings
from services.settings.shop import ShopSettings

BACK = ("notes", "statuses")
"""Flows that write back to the shop's orders; each has its own settings section."""
SHOWN = 5
"""The number of records that are named individually."""
FLOWS = ("catalogue", "prices", "stock", "orders", "refunds", "payments", *BACK)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: passed (True), failed (False), or a note (None); `fix` is a menu path or a command.

    `flows` cannot go live while it fails; in dry run they can. `reached` is False if the system did not answer at all.
    """

    what: str
    ok: bool | None
    message: str = ""
    fix: str = ""
    flows: tuple[str, ...] = ()
    reached: bool = True

    def __str__(self) -> str:
        text = " · ".join(
            part for part in (f"{self.what}: {self.message}" if self.message else self.what, self.fix) if part
        )
        return " ".join(text.split())


def describe_left_out(what: str, unreadable: Sequence[UnreadableRecord], where: str) -> list[Finding]:
    """A finding for records that could not be read and were left out; none when there are none."""
    if not unreadable:
        return []
    details = "; ".join(one.detail for one in unreadable[:SHOWN])
    more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
    return [Finding(what, None, f"{len(unreadable)} cannot be read: {details}{more}", f"correct it there: {where}")]


def live_flows(shop: ShopSettings) -> frozenset[str]:
    """The flows of a shop that are live."""
    modes = shop.flows.model_dump() | {name: getattr(shop, name).mode for name in BACK}
    return frozenset(flow for flow, mode in modes.items() if mode == "live")


def live_flows_anywhere(settings: Settings) -> frozenset[str]:
    """The flows that are live in any shop."""
    return frozenset(flow for shop in settings.shops.values() for flow in live_flows(shop))


def list_obstacles(findings: Iterable[Finding], flows: frozenset[str]) -> list[str]:
    """Why these flows cannot go live, as texts; empty when they can."""
    return [str(finding) for finding in findings if finding.ok is False and flows & set(finding.flows)]


def blocked_flows(findings: Mapping[str, Iterable[Finding]]) -> dict[str, list[str]]:
    """`{shop: flows that cannot go live}`."""
    found = {
        shop: {flow for finding in each if finding.ok is False for flow in finding.flows}
        for shop, each in findings.items()
    }
    return {shop: [flow for flow in FLOWS if flow in flows] for shop, flows in found.items() if flows}
