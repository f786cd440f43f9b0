"""WooCommerce's JSON, and whether an answer can be one of WooCommerce's at all.

Protections, caches and plugins answer 200 with JSON of their own. What is asked for a record must be answered with that
record, what is asked for a list with a list of records; anything else is no answer of WooCommerce.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

import httpx

from services.connectors.http.refusal_objects import is_refusal
from services.connectors.woocommerce import php

_PHP_OUTPUT = re.compile(
    r"\s*(?:<br\s*/?>\s*)?(?:<font[^>]*>.{0,200}?)?(?:<b>)?(?:PHP )?"
    r"(?:Warning|Notice|Deprecated|Strict Standards|Parse error|Fatal error|Recoverable fatal error)(?:</b>)?:\s",
    re.IGNORECASE | re.DOTALL,
)
"""How PHP words its errors (`error_prepend_string` aside), with `html_errors` and without."""
_JSON_BEGINS = re.compile(r"(?:\A|[\n>])[ \t]*([\[{])")
"""PHP ends each of its messages with a line end or a tag; WordPress writes its JSON in one line after them."""
_CODE = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_RECORD_BEGINS = re.compile(r'\s*\[?\s*\{\s*"id"')


class NoAnswer(ValueError):
    """The body cannot be WooCommerce's answer; the text continues `HTTP 200 with …`."""


class BrokenAnswer(NoAnswer):
    """The body is empty or ends too early: PHP broke off while it answered."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The JSON of a body, and what PHP wrote around it, if it did."""

    value: Any
    php_output: str = ""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """WordPress's own error: `{"code", "message", "data"}`; `data` is a table, or a bare number or nothing."""

    code: str
    message: str
    data: Any

    @property
    def status(self) -> int | None:
        """The status that the body states."""
        stated = self.data.get("status") if isinstance(self.data, dict) else self.data
        return stated if isinstance(stated, int) and not isinstance(stated, bool) else None


def decoded(response: httpx.Response) -> Decoded:
    """The JSON of a body, numbers exact. Warnings of PHP before or after it do not change it. Raises `NoAnswer`."""
    try:
        text = response.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoAnswer("a body that is not UTF-8") from None
    if not text.strip():
        raise BrokenAnswer("an empty body")
    try:
        return Decoded(json.loads(text, parse_float=Decimal, parse_constant=_refuse))
    except (ValueError, ArithmeticError):
        pass
    except RecursionError:
        raise BrokenAnswer("JSON that is nested too deeply") from None
    for value, around in _within(text):
        return Decoded(value, around)
    begun = has_php_output(text) or text.lstrip().startswith(("{", "["))
    raise (BrokenAnswer if begun else NoAnswer)("no valid JSON")


def has_php_output(text: str) -> bool:
    """Whether a body begins with a warning or an error of PHP."""
    return _PHP_OUTPUT.match(text) is not None


def is_record_like(text: str) -> bool:
    """Whether a body begins as a record does: its characters may be somebody's data."""
    return _RECORD_BEGINS.match(text) is not None


def table(value: Any, wanted: str | None = None) -> dict[str, Any]:
    """The answered object; with `wanted` the record of that id or name. Raises `NoAnswer`."""
    if not isinstance(value, dict):
        raise NoAnswer("a list where one record is due" if isinstance(value, list) else "no JSON object")
    if wanted is None:
        if is_refusal(value):
            raise NoAnswer("an object that is no record")
    elif str(value.get("id")) != wanted and php.whole(value.get("id")) != php.whole(wanted):
        raise NoAnswer(f"something else than record {wanted}")
    return value


def rows(value: Any) -> list[Any]:
    """The answered list; a row may be odd, but not all of them. Raises `NoAnswer`.

    PHP writes a list with gaps as an object whose names are numbers.
    """
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        value = list(value.values())
    if not isinstance(value, list):
        raise NoAnswer("one object where a list is due" if isinstance(value, dict) else "no list")
    if value and not any(is_record(row) for row in value):
        raise NoAnswer("a list without a record")
    return value


def error_body(value: Any) -> ErrorBody | None:
    """WordPress's own error body; None for whatever else calls itself an error."""
    if not isinstance(value, dict) or "data" not in value:
        return None
    code, message = value.get("code"), value.get("message")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or not isinstance(message, str | None):
        return None
    return ErrorBody(code, message or "", value["data"])


def sentence(error: ErrorBody) -> str:
    """The message of an error without markup, with each parameter's own fault."""
    plain = " ".join(unescape(re.sub(r"<[^>]*>", " ", error.message)).split())
    faults = error.data.get("params") if isinstance(error.data, dict) else None
    return f"{plain} ({'; '.join(map(str, faults.values()))})" if isinstance(faults, dict) and faults else plain


def is_record(row: Any) -> bool:
    """Whether a row of a list is a record of any kind."""
    return isinstance(row, dict) and ("id" in row or "slug" in row or "instance_id" in row)


def _within(text: str) -> Iterator[tuple[Any, str]]:
    """The JSON between what PHP wrote before and after it."""
    if not has_php_output(text) and not text.lstrip().startswith(("{", "[")):
        return
    decoder = json.JSONDecoder(parse_float=_exact, parse_int=_whole, parse_constant=_refuse)
    for begins in _JSON_BEGINS.finditer(text):
        try:
            value, end = decoder.raw_decode(text, begins.start(1))
        except ValueError:
            continue
        before, after = text[: begins.start(1)], text[end:]
        if all(not part.strip() or has_php_output(part) for part in (before, after)):
            yield value, before + after
            return


def _exact(digits: str) -> Any:
    """A number; as text where its exponent is beyond what a Decimal holds, so that only its own record is odd."""
    try:
        return Decimal(digits)
    except ArithmeticError:
        return digits


def _whole(digits: str) -> Any:
    """A whole number; as text where it has more digits than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
