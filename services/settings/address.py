"""Web addresses in settings: one that no client could call is refused when the settings are read."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def address_fault(text: str) -> str:
    """What is wrong with a web address; empty when nothing is."""
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        return "has a blank or a letter that cannot be printed in it"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"is no web address ({error})"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no server, such as https://shop.example.ge"
    return ""


def _usable(text: str) -> str:
    if fault := address_fault(text):
        raise ValueError(f"{text!r} {fault}")
    return text


WebAddress = Annotated[str, AfterValidator(_usable)]
"""An http or https address with a host."""
