"""The three-way merge of one contact between shop and Balance (claims S4.11, S4.12): what goes where, and conflicts.

What one side changed since both were last looked at goes to the other. Where both did, the policy says who wins, or a
person. A side that says nothing takes what the other says and never empties it.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.clients import ContactConflict, ContactField, Side
from services.accounting.contacts.same import SAME
from services.settings.clients import Policy


@dataclass(frozen=True, slots=True)
class Sides:
    """What shop and Balance say of one contact, as they write it."""

    shop: str = ""
    balance: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a contact is merged. `newer`: the side that spoke last, None where that cannot be known.

    `settled`: the side that a person has chosen.
    """

    field: ContactField
    policy: Policy
    newer: Side | None = None
    settled: Side | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """The side whose value counts for both, None when nothing is written; the conflict, if it was one."""

    take: Side | None = None
    conflict: ContactConflict | None = None

    @property
    def waits(self) -> bool:
        """Whether a person must say who is right."""
        return self.conflict is not None and self.conflict.taken is None


NOTHING = Merge()


def merge(rule: Rule, now: Sides, base: Sides) -> Merge:
    """What is to be done about a contact. `base`: what both sides said when they were last looked at, else empty."""
    same = SAME[rule.field]
    shop, balance = same(now.shop), same(now.balance)
    if shop == balance:
        return NOTHING
    if not (shop and balance):
        return Merge("shop" if shop else "balance")
    if rule.settled:
        return Merge(rule.settled)
    changed = (shop != same(base.shop), balance != same(base.balance))
    return _conflict(rule) if all(changed) else _one_sided(*changed)


def _one_sided(by_shop: bool, by_balance: bool) -> Merge:
    """Neither changed: the difference was left as it is on purpose."""
    return Merge("shop" if by_shop else "balance") if by_shop or by_balance else NOTHING


def _conflict(rule: Rule) -> Merge:
    if rule.policy == "off":
        return NOTHING
    winners: dict[str, Side | None] = {"shop": "shop", "balance": "balance", "newest": rule.newer, "ask": None}
    taken = winners[rule.policy]
    return Merge(taken, ContactConflict(field=rule.field, policy=rule.policy, taken=taken))
