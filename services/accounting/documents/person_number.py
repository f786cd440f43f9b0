"""Numbers by which Georgia knows companies and people (claim I12), and what sort of customer they make."""

from __future__ import annotations

import re

from contracts.shop import Person
from services.settings.order_rules import CustomerKind

NUMBERS = {"company": re.compile(r"\d{9}|\d{11}", re.ASCII), "person": re.compile(r"\d{11}", re.ASCII)}
"""A company has 9 digits, a person 11, a sole trader trades under the personal 11."""


def valid_number(number: str | None, kind: str) -> str | None:
    """The digits of a number that can be one of a company or person, else None."""
    digits = re.sub(r"[\s-]", "", number or "")
    return digits if NUMBERS[kind].fullmatch(digits) else None


def customer_kind(person: Person | None) -> CustomerKind:
    """Who buys: a company's number goes before a personal one; without a valid number it is a retail sale."""
    if person is not None and valid_number(person.company_id, "company"):
        return "company"
    return "person" if person is not None and valid_number(person.personal_id, "person") else "retail"
