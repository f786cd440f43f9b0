"""Group dead letters by reason code: how many, who resolves them, what to do, and which deliveries are pending."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.reason_texts import ReasonText, find_text
from services.cli.dead_letter_log import DeadLetter
from services.cli.service_status import ServiceStatus
from services.settings.translation import _, translate_reason, translator

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_age(seconds: float, language: str = "en") -> str:
    """A duration in its largest unit, never negative: `4 s`, `12 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    name, size = next((unit for unit in _UNITS if whole >= 2 * unit[1]), _UNITS[-1])
    return f"{whole // size} {translator(language)(name)}"


_ONE = re.compile(r"(davtari dead-letters \w+) ID")
UNKNOWN_REASON = ReasonText(
    owner="integrator",
    resolves_by_itself=False,
    cause=_("This version of the davtari command does not know the reason code."),
    effect=_("See the detail."),
    fix=_("Update the davtari command, then `davtari dead-letters show ID`."),
)


def reason_owner(reason: str) -> str:
    """The role that resolves it, for example `accountant`."""
    text = find_text(reason)
    return text.owner if text else "integrator"


def resolves_by_itself(reason: str) -> bool:
    """Whether it resolves by itself once the cause is fixed."""
    text = find_text(reason)
    return text.resolves_by_itself if text else False


def reason_wording(reason: str, language: str) -> ReasonText:
    """The cause, effect and fix of a reason code in a language."""
    text = find_text(reason)
    return translate_reason(text or UNKNOWN_REASON, language)


def describe_fix(dead_letters: Sequence[DeadLetter], language: str) -> str:
    """What to do about dead letters of one reason code, with their id, or a command for all of them."""
    first = dead_letters[0].event
    text = reason_wording(first.reason, language).fix
    if len(dead_letters) == 1:
        filled = _ONE.sub(rf"\1 {dead_letters[0].id}", text)
        shop, order = dead_letters[0].shop, dead_letters[0].order
        return filled.replace("ORDER --shop SHOP", f"{order} --shop {shop}") if shop and order else filled
    text = text.replace("dead-letters discard ID", f"dead-letters discard --reason-code {first.reason}")
    return text.replace("dead-letters replay ID", f"dead-letters replay --reason-code {first.reason}")


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Open dead letters with the same reason code, oldest first."""

    reason: str
    dead_letters: tuple[DeadLetter, ...]

    @property
    def since(self) -> datetime:
        """The time of the first failure of the oldest one."""
        return self.dead_letters[0].since

    def about(self, language: str = "en") -> str:
        """The subjects of the first two, and the number of the others."""
        _, more = translator(language), len(self.dead_letters) - 2
        named = " ".join(one.event.about for one in self.dead_letters[:2])
        return named + (" " + _("and {count} more").format(count=more) if more > 0 else "")

    def to_dict(self, now: datetime, language: str) -> dict[str, Any]:
        """The group for `--json`."""
        return {
            "reason": self.reason,
            "open": len(self.dead_letters),
            "owner": reason_owner(self.reason),
            "resolves_by_itself": resolves_by_itself(self.reason),
            "oldest": self.since,
            "oldest_seconds": int((now - self.since).total_seconds()),
            "fix": describe_fix(self.dead_letters, language),
            "dead_letters": [one.event.dead_letter for one in self.dead_letters],
        }


def group_by_reason(dead_letters: Iterable[DeadLetter]) -> list[ReasonGroup]:
    """Group the open dead letters by reason code, oldest group first."""
    by_reason: defaultdict[str, list[DeadLetter]] = defaultdict(list)
    for one in dead_letters:
        if one.open:
            by_reason[one.event.reason].append(one)
    found = [ReasonGroup(reason, tuple(sorted(some, key=lambda one: one.since))) for reason, some in by_reason.items()]
    return sorted(found, key=lambda group: group.since)


def describe_other_work(statuses: Sequence[ServiceStatus], now: datetime, language: str = "en") -> str:
    """One line about pending and blocked deliveries, if the state databases are on this machine."""
    _ = translator(language)
    if not any(one.generation for one in statuses):
        return _("Pending deliveries are unknown here: the state databases of the services are on another machine.")
    waiting = [each for one in statuses for each in one.waiting or ()]
    pending = [each for each in waiting if each.state == "pending"]
    blocked = sum(each.count for each in waiting if each.state != "pending")
    later = _("{count} are blocked and continue by themselves: davtari status").format(count=blocked)
    if not pending:
        line = _("No delivery is pending.")
    else:
        oldest = format_age(now.timestamp() - min(each.oldest for each in pending), language)
        count = sum(each.count for each in pending)
        line = _("{count} more deliveries are pending, the oldest for {oldest}.").format(count=count, oldest=oldest)
    return f"{line} {later}" if blocked else line
