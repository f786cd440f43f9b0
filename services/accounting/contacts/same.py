"""When two spellings of a phone, e-mail or address are the same one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

GEORGIA = "995"
LOCAL_DIGITS = 9
"""A Georgian number without the country: 9 digits (599 12 34 56, 32 2 12 34 56)."""


def phone(written: str) -> str:
    """The digits with the country's number in front; empty for what is no phone. No country is Georgia."""
    text = written.strip()
    digits = re.sub(r"\D", "", text).lstrip("0") if text.isascii() else ""
    if len(digits) == LOCAL_DIGITS and not text.startswith(("+", "00")):
        return GEORGIA + digits
    return digits if LOCAL_DIGITS < len(digits) <= 15 else ""


def email(written: str) -> str:
    """The address in lower case; empty for what is no e-mail. Nothing before the @ is dropped: that may be another."""
    text = written.strip().casefold()
    return text if re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text) else ""


def address(written: str) -> str:
    """The words of an address, without letter case, commas and double spaces."""
    return " ".join(re.sub(r"[,;]", " ", written).casefold().split())


SAME: Mapping[str, Callable[[str], str]] = {"phone": phone, "email": email, "address": address}
"""How each sort of contact is compared."""
