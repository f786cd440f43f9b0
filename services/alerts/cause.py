"""What an alert is about: a reason code, and a shop where it concerns one. A cause can have many open issues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.model import Instant, Part
from contracts.reason_texts import ReasonText, find_text
from services.engine.state.records import Kind
from services.settings.alerts import Owner, RecipientSettings


class AlertIssue(Part):
    """One open issue of a cause: a dead letter, a stale feed, a late order."""

    cause: str
    about: str
    since: Instant


class IssueCleared(Part):
    """When an issue of a cause was last resolved."""

    at: Instant


ISSUE = Kind("alert-issue", AlertIssue)
"""By dead letter, feed or shop; the cause is the `ref`."""
CLEARED = Kind("cleared", IssueCleared)
"""By cause."""


@dataclass(frozen=True, slots=True)
class AlertCause:
    """`reason@shop`, or `reason` alone where no shop is concerned or known."""

    reason: str
    shop: str = ""

    @property
    def name(self) -> str:
        """The cause as events and ids contain it."""
        return f"{self.reason}@{self.shop}" if self.shop else self.reason

    @property
    def texts(self) -> ReasonText | None:
        """The texts of the reason code; None for a code of a later version."""
        return find_text(self.reason)

    @property
    def owner(self) -> Owner:
        """The role that can fix it."""
        return self.texts.owner if self.texts else "integrator"


def parse_cause(name: str) -> AlertCause:
    """Return the cause with this name."""
    reason, _, shop = name.partition("@")
    return AlertCause(reason, shop)


def select_recipients(
    cause: AlertCause, configured: Mapping[str, RecipientSettings]
) -> Mapping[str, RecipientSettings]:
    """Return the recipients whose role can fix the cause; all of them if none has that role."""
    concerned = {name: recipient for name, recipient in configured.items() if cause.owner in recipient.roles}
    return concerned or configured
