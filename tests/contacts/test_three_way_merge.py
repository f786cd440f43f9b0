"""The merge of one contact: what one side changed goes to the other; where both did, the policy or a person decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clients import ContactConflict, Side
from services.accounting.contacts import NOTHING, ContactMerge, ContactSides, MergeRule, merge_contact
from services.settings.clients import Policy

A, B, C = "+995599000001", "+995599000002", "+995599000003"
SPELLED = "599 00-00-01"
UNKNOWN = ContactSides()


def conflict(policy: Policy, taken: Side | None) -> ContactMerge:
    return ContactMerge(taken, ContactConflict(field="phone", policy=policy, taken=taken))


@pytest.mark.claim("S4.11", "S4.12")
@pytest.mark.parametrize(
    ("now", "base", "expected"),
    [
        (ContactSides(A, A), UNKNOWN, NOTHING),
        (ContactSides(SPELLED, A), UNKNOWN, NOTHING),
        (ContactSides(A, ""), UNKNOWN, ContactMerge("shop")),
        (ContactSides("", A), UNKNOWN, ContactMerge("balance")),
        (ContactSides("n/a", A), ContactSides(A, A), ContactMerge("balance")),
        (ContactSides(B, A), ContactSides(A, A), ContactMerge("shop")),
        (ContactSides(A, B), ContactSides(A, A), ContactMerge("balance")),
        (ContactSides(B, B), ContactSides(A, A), NOTHING),
        (ContactSides(A, B), ContactSides(A, B), NOTHING),
        (ContactSides(C, B), ContactSides(A, B), ContactMerge("shop")),
        (ContactSides(SPELLED, B), ContactSides(A, B), NOTHING),
    ],
    ids=[
        *("equal", "spelled otherwise", "only the shop says", "only Balance says", "no phone empties none"),
        *("shop changed", "Balance changed", "both changed alike", "left as it was", "one of two that differ", "same"),
    ],
)
@pytest.mark.parametrize("policy", ["balance", "shop", "newest", "ask"])
def test_without_a_conflict_the_policy_does_not_matter(
    policy: Policy, now: ContactSides, base: ContactSides, expected: ContactMerge
) -> None:
    assert merge_contact(MergeRule("phone", policy), now, base) == expected


@pytest.mark.claim("S4.12")
@pytest.mark.parametrize("base", [ContactSides(A, A), UNKNOWN])
@pytest.mark.parametrize(
    ("policy", "newer", "taken"),
    [
        ("balance", None, "balance"),
        ("shop", None, "shop"),
        ("newest", "shop", "shop"),
        ("newest", "balance", "balance"),
        ("newest", None, None),
        ("ask", "shop", None),
    ],
)
def test_where_both_changed_the_policy_says_who_wins(
    policy: Policy, newer: Side | None, taken: Side | None, base: ContactSides
) -> None:
    assert merge_contact(MergeRule("phone", policy, newer), ContactSides(B, C), base) == conflict(policy, taken)


@pytest.mark.parametrize("side", ["shop", "balance"])
def test_a_persons_word_goes_before_any_policy_and_is_no_conflict_any_more(side: Side) -> None:
    assert merge_contact(
        MergeRule("phone", "ask", settled=side), ContactSides(B, C), ContactSides(A, A)
    ) == ContactMerge(side)


PHONES = st.sampled_from([A, B, C, SPELLED, "", "n/a"])
POLICIES: st.SearchStrategy[Policy] = st.sampled_from(["balance", "shop", "newest", "ask"])


@pytest.mark.claim("S4.12")
@given(POLICIES, PHONES, PHONES, PHONES, PHONES)
def test_after_a_merge_nothing_is_left_to_do_and_no_value_was_lost(
    policy: Policy, shop: str, balance: str, base_shop: str, base_balance: str
) -> None:
    now = ContactSides(shop, balance)
    done = merge_contact(MergeRule("phone", policy), now, ContactSides(base_shop, base_balance))
    if not done.waits:
        value = getattr(now, done.take) if done.take else None
        then = now if value is None else ContactSides(value, value)
        assert merge_contact(MergeRule("phone", policy), then, then).conflict is None
        assert merge_contact(MergeRule("phone", policy), then, then).take in (None, done.take)
        assert value not in ("", "n/a")
