"""Dead letters by reason: how many, who mends them, what to do, and what else waits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.reason_texts import Wording, known
from services.cli.dead_letter_log import DeadLetter
from services.cli.service_status import ServiceStatus
from services.cli.translation import translator

# What to do about dead letters, from the catalogue of reasons, with the ids and codes filled in.

# How long ago, in the largest unit that says it.

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_age(seconds: float, language: str = "en") -> str:
    """`4 s`, `12 min`, `3 h`, `2 d` in a language; never negative."""
    whole = max(0, int(seconds))
    name, size = next((unit for unit in _UNITS if whole >= 2 * unit[1]), _UNITS[-1])
    return f"{whole // size} {translator(language)(name)}"


_ONE = re.compile(r"(davtari dead-letters \w+) ID")
UNKNOWN_REASON = Wording(
    cause="This version of Davtari does not know the reason code.",
    effect="See the detail.",
    fix="Update the davtari command, then `davtari dead-letters show ID`.",
)


def reason_owner(reason: str) -> str:
    """The role that mends it."""
    told = known(reason)
    return told.owner if told else "integrator"


def resolves_by_itself(reason: str) -> bool:
    """Whether it goes by itself once the cause is gone."""
    told = known(reason)
    return told.heals if told else False


def reason_wording(reason: str, language: str) -> Wording:
    """Cause, effect and fix in a language."""
    told = known(reason)
    if told is None:
        return UNKNOWN_REASON
    return told.ka if language == "ka" else told.en


def describe_fix(letters: Sequence[DeadLetter], language: str) -> str:
    """What to do about letters of one reason: the command for the one, or for all of them at once."""
    first = letters[0].letter
    text = reason_wording(first.reason, language).fix
    if len(letters) == 1:
        filled = _ONE.sub(rf"\1 {letters[0].id}", text)
        shop, order = letters[0].shop, letters[0].order
        return filled.replace("ORDER --shop SHOP", f"{order} --shop {shop}") if shop and order else filled
    text = text.replace("dead-letters discard ID", f"dead-letters discard --reason-code {first.reason}")
    return text.replace("dead-letters replay ID", f"dead-letters replay --reason-code {first.reason}")


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Open letters of one reason, oldest first."""

    reason: str
    letters: tuple[DeadLetter, ...]

    @property
    def since(self) -> datetime:
        """When the oldest of these troubles began."""
        return self.letters[0].since

    def about(self, language: str = "en") -> str:
        """What they are about: the first ones, and how many more."""
        _, more = translator(language), len(self.letters) - 2
        named = " ".join(one.letter.about for one in self.letters[:2])
        return named + (" " + _("and {count} more").format(count=more) if more > 0 else "")

    def plain(self, now: datetime, language: str) -> dict[str, Any]:
        """The group as data."""
        return {
            "reason": self.reason,
            "open": len(self.letters),
            "owner": reason_owner(self.reason),
            "heals": resolves_by_itself(self.reason),
            "oldest": self.since,
            "oldest_seconds": int((now - self.since).total_seconds()),
            "fix": describe_fix(self.letters, language),
            "letters": [one.letter.dead_letter for one in self.letters],
        }


def group_by_reason(letters: Iterable[DeadLetter]) -> list[ReasonGroup]:
    """The open ones by reason; what waits longest comes first."""
    by_reason: defaultdict[str, list[DeadLetter]] = defaultdict(list)
    for one in letters:
        if one.open:
            by_reason[one.letter.reason].append(one)
    found = [ReasonGroup(reason, tuple(sorted(some, key=lambda one: one.since))) for reason, some in by_reason.items()]
    return sorted(found, key=lambda group: group.since)


def describe_other_work(standings: Sequence[ServiceStatus], now: datetime, language: str = "en") -> str:
    """What waits besides, in one line, as far as the state databases are on this machine."""
    _ = translator(language)
    if not any(one.generation for one in standings):
        return _("What else waits is not known here: the state databases of the services are on another machine.")
    waiting = [each for one in standings for each in one.waiting or ()]
    pending = [each for each in waiting if each.state == "pending"]
    blocked = sum(each.count for each in waiting if each.state != "pending")
    later = _("{count} wait for something named and continue by themselves: davtari status").format(count=blocked)
    if not pending:
        line = _("Nothing else waits: no delivery is pending.")
    else:
        oldest = format_age(now.timestamp() - min(each.oldest for each in pending), language)
        count = sum(each.count for each in pending)
        line = _("{count} more deliveries are pending, the oldest for {oldest}.").format(count=count, oldest=oldest)
    return f"{line} {later}" if blocked else line
