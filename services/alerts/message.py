"""The text of a message, in the recipient's language, and the message in the outbox.

A message contains no detail of a dead letter, since that may name people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.alerts import AlertSent
from contracts.model import Instant, Part
from services.alerts.cause import AlertCause, AlertIssue
from services.engine.clock import TBILISI
from services.engine.printable import make_printable
from services.settings.translation import Language, translate_reason, translator

EXAMPLES = 5
NoticeKind = Literal["opened", "reminded", "resolved"]


@dataclass(frozen=True, slots=True)
class Message:
    """A title and a body, in plain text."""

    title: str
    body: str


class Notice(Part):
    """A message to a recipient in the outbox, with all that its delivery and its record need.

    Issues that are added before it leaves do not change its `id`.
    """

    cause: str
    recipient: str
    what: NoticeKind
    episode: int
    reminders: int
    standing: int
    """The number of open issues."""
    opened_at: Instant
    returns: int = 0
    title: str
    body: str

    @classmethod
    def following(cls, last: AlertSent, what: NoticeKind, message: Message) -> Notice:
        """Return the message that follows a message that was sent."""
        return cls(
            cause=last.cause,
            recipient=last.recipient,
            what=what,
            episode=last.episode,
            reminders=last.reminders,
            standing=last.standing,
            opened_at=last.opened_at,
            returns=last.returns,
            title=message.title,
            body=message.body,
        )

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return f"alert:{self.cause}|{self.recipient}:{self.episode}:{self.what}:{self.reminders}"

    def sent(self, at: datetime, *, dry_run: bool) -> AlertSent:
        """Return the event that records the message as sent."""
        return AlertSent(**self.model_dump(exclude={"title", "body"}), sent_at=at, dry_run=dry_run)


def compose_open(
    cause: AlertCause, issues: Sequence[AlertIssue], what: Literal["opened", "reminded"], to: Language, returns: int = 0
) -> Message:
    """Write the message that issues are open: what it is, what it means, how to fix it, and the oldest issues.

    `returns`: how often in a row the cause came back soon after it was gone.
    """
    _ = translator(to)
    since = _("Since {since} (Tbilisi).").format(since=_local(min(issue.since for issue in issues)))
    again = [_("It was gone and came back {count} times.").format(count=returns)] if returns else []
    lines = [*_explanation(cause, to), since, *again, "", *_examples(issues, to)]
    count = _("still {count} waiting") if what == "reminded" else _("{count} waiting")
    return Message(_title(cause, count.format(count=len(issues))), "\n".join(lines))


def compose_resolved(cause: AlertCause, last: AlertSent, to: Language) -> Message:
    """Write the message that a cause is resolved."""
    _ = translator(to)
    text = _("Resolved. It had been open since {since} (Tbilisi); nothing of this kind is waiting any more.")
    texts = [translate_reason(cause.texts, to).cause] if cause.texts else []
    return Message(_title(cause, _("resolved")), "\n".join([text.format(since=_local(last.opened_at)), *texts]))


def compose_test(to: Language) -> Message:
    """Write a message that only shows that messages arrive."""
    _ = translator(to)
    title = _("test")
    return Message(f"Davtari: {title}", _("This is a test. Messages from Davtari reach this recipient."))


def _title(cause: AlertCause, state: str) -> str:
    return f"Davtari: {cause.name}: {state}"


def _explanation(cause: AlertCause, to: Language) -> list[str]:
    _ = translator(to)
    if cause.texts is None:
        return [_("This code belongs to a later version of Davtari; `davtari dead-letters list` has the details.")]
    texts = translate_reason(cause.texts, to)
    effect = _("Effect: {effect}").format(effect=texts.effect)
    return [texts.cause, effect, _("What to do: {fix}").format(fix=texts.fix)]


def _examples(issues: Sequence[AlertIssue], to: Language) -> list[str]:
    """The oldest issues, and how many others there are."""
    _ = translator(to)
    oldest = sorted(issues, key=lambda issue: (issue.since, issue.about))
    lines = [f"· {make_printable(issue.about)}" for issue in oldest[:EXAMPLES]]
    others = len(oldest) - len(lines)
    return [*lines, _("and {count} more").format(count=others)] if others else lines


def _local(moment: datetime) -> str:
    return moment.astimezone(TBILISI).strftime("%Y-%m-%d %H:%M")
