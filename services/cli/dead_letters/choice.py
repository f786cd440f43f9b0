"""Which dead letters a person means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from contracts.reasons import Reason
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter

FLOWS = {
    "catalogue": "catalog-importer",
    "prices": "catalog-importer",
    "stock": "stock-publisher",
    "orders": "order-exporter",
    "refunds": "refund-exporter",
    "payments": "order-exporter",
    "notes": "order-notifier",
    "statuses": "order-notifier",
}
"""The service that carries each flow out."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is empty or None leaves nothing out. `flow` may be a flow or a service; `since` is inclusive."""

    reasons: tuple[str, ...] = ()
    flow: str | None = None
    shop: str | None = None
    order: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def chooses(self) -> bool:
        """Whether anything is left out at all."""
        return self != Choice()

    def of(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """The letters that are meant."""
        return [letter for letter in letters if self._means(letter)]

    def _means(self, one: DeadLetter) -> bool:
        service = FLOWS.get(self.flow or "", self.flow)
        wanted = (
            (not self.reasons or one.letter.reason in self.reasons, service in (None, one.letter.service)),
            (self.shop in (None, one.shop), self.order in (None, one.order)),
            (self.since is None or one.letter.at >= self.since, self.until is None or one.letter.at < self.until),
        )
        return all(all(pair) for pair in wanted)


def must_be_known(choice: Choice, services: Iterable[str], shops: Iterable[str], seen: Iterable[DeadLetter]) -> None:
    """Raises `WrongUse` for a reason, flow or shop that nothing can ever have: a typo must not look like `nothing`."""
    letters = list(seen)
    _known("reason code", choice.reasons, [*Reason, *(one.letter.reason for one in letters)])
    _known("flow", (choice.flow,), [*FLOWS, *services, *(one.letter.service for one in letters)])
    _known("shop", (choice.shop,), [*shops, *(one.shop for one in letters if one.shop)])


def _known(what: str, given: Iterable[str | None], known: Iterable[str]) -> None:
    there = sorted(set(known))
    if wrong := [one for one in given if one is not None and one not in there]:
        raise InvalidArgument(f"Unknown {what} {', '.join(wrong)}. Known: {', '.join(there)}")
