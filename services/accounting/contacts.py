"""Three-way merge of one contact (phone, e-mail, address) between shop and Balance (claims S4.11, S4.12).

What one side changed since the last comparison is written to the other. If both changed it, the policy or a person
decides. An empty side receives the other's value and never empties it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.clients import ContactConflict, ContactField, Side
from services.settings.clients import Policy

GEORGIA = "995"
LOCAL_DIGITS = 9
"""A Georgian number without the country: 9 digits (599 12 34 56, 32 2 12 34 56)."""


def phone(written: str) -> str:
    """The digits with the country code first; empty if it is not a phone number. Without a country it is Georgian."""
    text = written.strip()
    digits = re.sub(r"\D", "", text).lstrip("0") if text.isascii() else ""
    if len(digits) == LOCAL_DIGITS and not text.startswith(("+", "00")):
        return GEORGIA + digits
    return digits if LOCAL_DIGITS < len(digits) <= 15 else ""


def email(written: str) -> str:
    """The address in lower case; empty if it is not an e-mail. The part before the @ is kept unchanged."""
    text = written.strip().casefold()
    return text if re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text) else ""


def address(written: str) -> str:
    """The words of an address, without letter case, commas and double spaces."""
    return " ".join(re.sub(r"[,;]", " ", written).casefold().split())


NORMALIZERS: Mapping[str, Callable[[str], str]] = {"phone": phone, "email": email, "address": address}
"""The form in which each kind of contact is compared."""


@dataclass(frozen=True, slots=True)
class ContactSides:
    """The value of one contact in the shop and in Balance, as written there."""

    shop: str = ""
    balance: str = ""


@dataclass(frozen=True, slots=True)
class MergeRule:
    """How a contact is merged. `newer`: the side changed last, None if unknown.

    `settled`: the side chosen by a person.
    """

    field: ContactField
    policy: Policy
    newer: Side | None = None
    settled: Side | None = None


@dataclass(frozen=True, slots=True)
class ContactMerge:
    """The side whose value is written to the other, None if nothing is written; and the conflict, if there is one."""

    take: Side | None = None
    conflict: ContactConflict | None = None

    @property
    def waits(self) -> bool:
        """Whether a person must decide."""
        return self.conflict is not None and self.conflict.taken is None


NOTHING = ContactMerge()


def merge_contact(rule: MergeRule, now: ContactSides, base: ContactSides) -> ContactMerge:
    """Merge a contact. `base`: the values of both sides at the last comparison, else empty."""
    same = NORMALIZERS[rule.field]
    shop, balance = same(now.shop), same(now.balance)
    if shop == balance:
        return NOTHING
    if not (shop and balance):
        return ContactMerge("shop" if shop else "balance")
    if rule.settled:
        return ContactMerge(rule.settled)
    changed = (shop != same(base.shop), balance != same(base.balance))
    return _conflict(rule) if all(changed) else _one_sided(*changed)


def _one_sided(by_shop: bool, by_balance: bool) -> ContactMerge:
    """If neither changed, the difference was left on purpose."""
    return ContactMerge("shop" if by_shop else "balance") if by_shop or by_balance else NOTHING


def _conflict(rule: MergeRule) -> ContactMerge:
    if rule.policy == "off":
        return NOTHING
    winners: dict[str, Side | None] = {"shop": "shop", "balance": "balance", "newest": rule.newer, "ask": None}
    taken = winners[rule.policy]
    return ContactMerge(taken, ContactConflict(field=rule.field, policy=rule.policy, taken=taken))
