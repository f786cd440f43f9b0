"""What an alert is about: a reason code, and the shop where it concerns one. Many things may stand under one cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.model import Instant, Part
from contracts.reason_texts import ReasonText, find_text
from services.engine.state.records import Kind
from services.settings.alerts import Owner, RecipientSettings


class AlertIssue(Part):
    """One thing that stands under a cause: a dead letter, a stale feed or a late order."""

    cause: str
    about: str
    since: Instant


class IssueCleared(Part):
    """When a thing of a cause stood no more."""

    at: Instant


ISSUE = Kind("standing", AlertIssue)
"""By dead letter or feed; the cause is the `ref`."""
CLEARED = Kind("cleared", IssueCleared)


@dataclass(frozen=True, slots=True)
class AlertCause:
    """`reason@shop`, or `reason` alone where no shop is concerned or known."""

    reason: str
    shop: str = ""

    @property
    def name(self) -> str:
        """How it is written in events and ids."""
        return f"{self.reason}@{self.shop}" if self.shop else self.reason

    @property
    def texts(self) -> ReasonText | None:
        """What the catalogue says of it; None for a code of a later version."""
        return find_text(self.reason)

    @property
    def owner(self) -> Owner:
        """Whose it is to mend."""
        return self.texts.owner if self.texts else "integrator"


def parse_cause(name: str) -> AlertCause:
    """The cause of that name."""
    reason, _, shop = name.partition("@")
    return AlertCause(reason, shop)


# Whom a cause concerns: the recipients of the role that mends it; all of them where nobody has that role.


def select_recipients(cause: AlertCause, known: Mapping[str, RecipientSettings]) -> Mapping[str, RecipientSettings]:
    """Who is told, by name: nothing goes to nobody."""
    concerned = {name: one for name, one in known.items() if cause.owner in one.roles}
    return concerned or known
