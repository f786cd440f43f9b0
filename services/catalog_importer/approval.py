"""What a person has approved: a planned change of an item, by its digest. Any other change is not that one."""

from __future__ import annotations

from contracts.catalog import ProductLinked
from contracts.envelope import Envelope
from contracts.model import Instant, Part
from contracts.operations import ApplyRequested
from services.engine.state.records import Kind, State


class Approved(Part):
    """The change that was approved, and when."""

    digest: str
    plan: str
    at: Instant


APPROVED = Kind("approved", Approved)
"""By shop:item."""


def apply_requested(envelope: Envelope[ApplyRequested], state: State) -> None:
    """A plan is to be carried out."""
    asked = envelope.data
    for change in asked.changes:
        subject = f"{asked.shop}:{change.item}"
        state.put(APPROVED, subject, Approved(digest=change.digest, plan=asked.plan, at=asked.asked_at))
        state.touch(subject)


def approves(approved: Approved | None, digest: str, link: ProductLinked | None) -> bool:
    """Whether this very change was approved, and nothing was written since."""
    if approved is None or approved.digest != digest:
        return False
    return link is None or link.written_at is None or link.written_at < approved.at
