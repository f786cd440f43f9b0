"""When two spellings of a phone or e-mail are the same one."""

from __future__ import annotations

import pytest

from services.accounting import contacts


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("599 12 34 56", "995599123456"),
        ("+995 (599) 12-34-56", "995599123456"),
        ("0322 12 34 56", "995322123456"),
        ("+49 170 1234567", "491701234567"),
        ("599123456, 599123457", ""),
        ("+599123456", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_phones_are_compared_by_their_digits_with_the_country(written: str, read: str) -> None:
    assert contacts.phone(written) == read


@pytest.mark.parametrize(("written", "read"), [(" A@B.ge", "a@b.ge"), ("a@b", ""), ("a b@c.ge", ""), ("", "")])
def test_emails_are_compared_case_insensitively(written: str, read: str) -> None:
    assert contacts.email(written) == read
