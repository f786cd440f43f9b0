"""Texts for people that are stored with their values, and translated when they are read."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from contracts.model import Part
from services.settings.translation import Translate


class StoredMessage(Part):
    """A text with the values of its braces; a value may be a message itself.

    `text` is English and the key of its translation. An amount or date among the values is already formatted.
    """

    text: str = ""
    values: dict[str, str | StoredMessage] = Field(default_factory=dict)

    def render(self, translate: Translate) -> str:
        """The text in another language."""
        if not self.text:  # gettext answers "" with the header of its catalogue
            return ""
        if not self.values:
            return translate(self.text)
        rendered = {name: _render(value, translate) for name, value in self.values.items()}
        return translate(self.text).format_map(rendered).rstrip()

    def __str__(self) -> str:
        return self.render(str)


def _render(value: str | StoredMessage, translate: Translate) -> str:
    return value if isinstance(value, str) else value.render(translate)


def message(text: str, **values: str | int | StoredMessage) -> StoredMessage:
    """A message; numbers are written as they are. Import it as `_`, so that its text is collected for translation."""
    return StoredMessage(text=text, values={name: _as_value(value) for name, value in values.items()})


def _as_value(value: str | int | StoredMessage) -> str | StoredMessage:
    return str(value) if isinstance(value, int) else value


def money(amount: Decimal) -> str:
    """An amount as a value of a message: two decimals."""
    return f"{amount:.2f}"
