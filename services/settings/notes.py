"""Which notes Davtari writes to a shop's orders, for whom, and in which words (claims S4.29, S4.30)."""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Literal

from pydantic import Field, model_validator

from services.settings.base import Section

Audience = Literal["off", "private", "customer"]
Text = Literal["sale", "credit-note", "plan", "parked", "waybill"]
DOCUMENT = frozenset({"order", "document", "date", "total", "currency"})
WORDS: dict[Text, frozenset[str]] = {
    "sale": DOCUMENT,
    "credit-note": DOCUMENT,
    "plan": DOCUMENT - {"document"},
    "parked": frozenset({"order", "reason", "cause"}),
    "waybill": frozenset({"waybill"}),
}
"""What each text may name in braces. No buyer is among it: a note holds no personal data."""


class NoteSettings(Section):
    """Notes at orders; nothing is written unless `mode` says so. What happened before `since` is left alone."""

    mode: Literal["off", "dry-run", "live"] = "off"
    since: date | None = Field(default=None, description="the first day (Tbilisi) whose documents are told of")
    language: Literal["en", "ka"] = "ka"
    sale: Audience = Field(
        default="private", description="a note once the Sale is recorded; WooCommerce mails customers"
    )
    credit_note: Audience = Field(default="private", description="a note for each credit note")
    plan: Literal["off", "private"] = Field(default="off", description="a note on the Sale that a dry run would make")
    parked: Literal["off", "private"] = Field(default="off", description="a note when a document waits for a person")
    templates: dict[Text, str] = Field(
        default_factory=dict,
        description="own words, e.g. sale = 'Invoice {document} of {date}'; waybill is added to it",
    )

    def audience(self, about: str) -> Audience:
        """For whom a note about a sale, credit-note, plan or parked document is."""
        found: Audience = getattr(self, about.replace("-", "_"))
        return found

    @model_validator(mode="after")
    def _since_when(self) -> NoteSettings:
        if self.mode != "off" and self.since is None:
            raise ValueError("say from which day on: since = 2026-11-21 (orders of the years before get no notes)")
        for name, text in self.templates.items():
            _check(name, text)
        return self


def _check(name: Text, text: str) -> None:
    allowed = "{" + "}, {".join(sorted(WORDS[name])) + "}"
    try:
        named = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise ValueError(f"templates.{name}: {error}; write a brace that is meant as such twice") from None
    if wrong := sorted(named - WORDS[name]):
        raise ValueError(f"templates.{name} names {{{wrong[0]}}}; it may name {allowed}")
