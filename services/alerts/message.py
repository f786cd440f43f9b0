"""What a message says, in the recipient's language: no detail of a dead letter, since that may name people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.alerts import AlertSent
from contracts.model import Instant, Part
from services.alerts.cause import AlertCause, AlertIssue
from services.engine.clock import TBILISI
from services.settings.translation import Language, translate_reason

EXAMPLES = 5
WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "opened": "{count} waiting",
        "reminded": "still {count} waiting",
        "resolved": "resolved",
        "since": "Since {since} (Tbilisi).",
        "gone": "What stood since {since} (Tbilisi) is gone; nothing of this kind waits any more.",
        "effect": "Effect: {effect}",
        "fix": "What to do: {fix}",
        "more": "and {count} more",
        "unknown": "This code belongs to a later version of Davtari; `davtari dead-letters list` shows what waits.",
        "test": "This is a test. Messages of Davtari to this recipient arrive.",
        "tested": "test",
    },
    "ka": {
        "opened": "ელოდება: {count}",
        "reminded": "კვლავ ელოდება: {count}",
        "resolved": "მოგვარდა",
        "since": "{since}-დან (თბილისის დრო).",
        "gone": "რაც {since}-დან (თბილისის დრო) გვაწუხებდა, აღარ არის; ამ მიზეზით აღარაფერი ელოდება.",
        "effect": "შედეგი: {effect}",
        "fix": "რა ვქნათ: {fix}",
        "more": "და კიდევ {count}",
        "unknown": "ეს კოდი დავთრის უფრო ახალ ვერსიას ეკუთვნის; რა ელოდება, `davtari dead-letters list` აჩვენებს.",
        "test": "ეს საცდელი შეტყობინებაა. დავთრის შეტყობინებები ამ მიმღებამდე აღწევს.",
        "tested": "ცდა",
    },
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title and a body of plain text."""

    title: str
    body: str


def compose_open(
    cause: AlertCause, standing: Sequence[AlertIssue], what: Literal["opened", "reminded"], to: Language
) -> Message:
    """That a cause stands: what it is, what it means, what mends it, and the first things under it."""
    words = WORDS[to]
    since = words["since"].format(since=_local(min(each.since for each in standing)))
    told = [*_explained(cause, to), since, "", *_examples(standing, to)]
    return Message(_title(cause, words[what].format(count=len(standing))), "\n".join(told))


def compose_resolved(cause: AlertCause, told: AlertSent, to: Language) -> Message:
    """That a cause is gone."""
    words = WORDS[to]
    gone = words["gone"].format(since=_local(told.opened_at))
    what = [translate_reason(cause.texts, to).cause] if cause.texts else []
    return Message(_title(cause, words["resolved"]), "\n".join([gone, *what]))


def compose_test(to: Language) -> Message:
    """A message that only shows that messages arrive."""
    return Message(f"Davtari: {WORDS[to]['tested']}", WORDS[to]["test"])


def _title(cause: AlertCause, state: str) -> str:
    return f"Davtari: {cause.name}: {state}"


def _explained(cause: AlertCause, to: Language) -> list[str]:
    words = WORDS[to]
    if cause.texts is None:
        return [words["unknown"]]
    texts = translate_reason(cause.texts, to)
    return [texts.cause, words["effect"].format(effect=texts.effect), words["fix"].format(fix=texts.fix)]


def _examples(standing: Sequence[AlertIssue], to: Language) -> list[str]:
    """The oldest things, and how many there are besides."""
    oldest = sorted(standing, key=lambda each: (each.since, each.about))
    shown = [f"· {each.about}" for each in oldest[:EXAMPLES]]
    left = len(oldest) - len(shown)
    return [*shown, WORDS[to]["more"].format(count=left)] if left else shown


def _local(moment: datetime) -> str:
    return moment.astimezone(TBILISI).strftime("%Y-%m-%d %H:%M")


# A message to a recipient as it stands in the outbox: all that its delivery and its record need.

NoticeKind = Literal["opened", "reminded", "resolved"]


class Notice(Part):
    """One message. It is the same message while its `id` is, whatever is added to its cause before it leaves."""

    cause: str
    recipient: str
    what: NoticeKind
    episode: int
    reminders: int
    standing: int
    opened_at: Instant
    title: str
    body: str

    @classmethod
    def of(cls, told: AlertSent, what: NoticeKind, message: Message) -> Notice:
        """What follows on a message that was sent."""
        return cls(
            cause=told.cause,
            recipient=told.recipient,
            what=what,
            episode=told.episode,
            reminders=told.reminders,
            standing=told.standing,
            opened_at=told.opened_at,
            title=message.title,
            body=message.body,
        )

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return f"alert:{self.cause}|{self.recipient}:{self.episode}:{self.what}:{self.reminders}"

    def sent(self, at: datetime, *, dry_run: bool) -> AlertSent:
        """The record that it was sent."""
        told = self.model_dump(exclude={"title", "body"})
        return AlertSent(**told, sent_at=at, dry_run=dry_run)
