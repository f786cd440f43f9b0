"""How people are shown to those who may not see them: recognizable to whoever knows them, and no more."""

from __future__ import annotations

from services.console.model.rows import Buyer


def mask_buyer(buyer: Buyer | None, *, people: bool) -> Buyer | None:
    """The buyer as the reader may see them; `people`: in full."""
    if buyer is None or people:
        return buyer
    return Buyer(name=mask_name(buyer.name), phone=mask_phone(buyer.phone), email=mask_email(buyer.email))


def mask_name(name: str) -> str:
    """The first letter of each word: `N… G…`."""
    return " ".join(f"{word[0]}…" for word in name.split())


def mask_phone(phone: str) -> str:
    """The first and last three digits, where there are enough others: `010…345`."""
    digits = "".join(filter(str.isdecimal, phone))
    return f"{digits[:3]}…{digits[-3:]}" if len(digits) >= 9 else "…" if digits else ""


def mask_email(email: str) -> str:
    """The first letter and the domain: `n…@example.test`."""
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}…{at}{domain}" if at and name else "…" if email else ""
