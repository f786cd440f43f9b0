"""Dead letters by reason: how many, who mends them, what to do, and what else waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.ages import age
from services.cli.dead_letters.fixes import fix, heals, owner
from services.cli.status.standings import Standing
from services.cli.translation import translator


@dataclass(frozen=True, slots=True)
class Group:
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
            "owner": owner(self.reason),
            "heals": heals(self.reason),
            "oldest": self.since,
            "oldest_seconds": int((now - self.since).total_seconds()),
            "fix": fix(self.letters, language),
            "letters": [one.letter.dead_letter for one in self.letters],
        }


def groups(letters: Iterable[DeadLetter]) -> list[Group]:
    """The open ones by reason; what waits longest comes first."""
    by_reason: defaultdict[str, list[DeadLetter]] = defaultdict(list)
    for one in letters:
        if one.open:
            by_reason[one.letter.reason].append(one)
    found = [Group(reason, tuple(sorted(some, key=lambda one: one.since))) for reason, some in by_reason.items()]
    return sorted(found, key=lambda group: group.since)


def closing(standings: Sequence[Standing], now: datetime, language: str = "en") -> str:
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
        oldest = age(now.timestamp() - min(each.oldest for each in pending), language)
        count = sum(each.count for each in pending)
        line = _("{count} more deliveries are pending, the oldest for {oldest}.").format(count=count, oldest=oldest)
    return f"{line} {later}" if blocked else line
