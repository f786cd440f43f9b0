"""Decodes WooCommerce's JSON, and decides whether an answer can be WooCommerce's at all.

Protections, caches and plugins answer 200 with JSON of their own (WooCommerce fact 9). A request for a record must be
answered with that record, a request for a list with a list of records; anything else is not WooCommerce's answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from json import JSONDecodeError
from typing import Any

import httpx

from services.connectors.http.json_reader import cut_nesting, read_json, read_value
from services.connectors.http.responses import is_refusal_object
from services.connectors.woocommerce import php

_PHP_OUTPUT = re.compile(
    r"\s*(?:<br\s*/?>\s*)?(?:<font[^>]*>.{0,200}?)?(?:<b>)?(?:PHP )?"
    r"(?:Warning|Notice|Deprecated|Strict Standards|Parse error|Fatal error|Recoverable fatal error)(?:</b>)?:\s",
    re.IGNORECASE | re.DOTALL,
)
"""How PHP words its errors (`error_prepend_string` aside), with and without `html_errors`."""
_JSON_BEGINS = re.compile(r"(?:\A|[\n>])[ \t]*([\[{])")
"""PHP ends each of its messages with a line end or a tag; WordPress writes its JSON in one line after them."""
_CODE = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_RECORD_BEGINS = re.compile(r'\s*\[?\s*\{\s*"id"')


class NotAnAnswer(ValueError):
    """The body cannot be WooCommerce's answer; the text continues `HTTP 200 with …`."""


class BrokenAnswer(NotAnAnswer):
    """The body is empty or ends too early: PHP stopped while it answered."""


@dataclass(frozen=True, slots=True)
class DecodedBody:
    """The JSON of a body, and what PHP wrote around it, if anything."""

    value: Any
    php_output: str = ""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """WordPress's own error: `{"code", "message", "data"}`; `data` is an object, a bare number or null."""

    code: str
    message: str
    data: Any

    @property
    def status(self) -> int | None:
        """The status that the body states."""
        stated = self.data.get("status") if isinstance(self.data, dict) else self.data
        return stated if isinstance(stated, int) and not isinstance(stated, bool) else None


def decode(response: httpx.Response) -> DecodedBody:
    """The JSON of a body with exact numbers, also between warnings of PHP. Raises `NotAnAnswer`."""
    try:
        text = response.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAnAnswer("a body that is not UTF-8") from None
    if not text.strip():
        raise BrokenAnswer("an empty body")
    try:
        return DecodedBody(read_json(text))
    except ValueError:
        pass
    for value, around in _json_within(cut_nesting(text)):
        return DecodedBody(value, around)
    begun = has_php_output(text) or text.lstrip().startswith(("{", "["))
    raise (BrokenAnswer if begun else NotAnAnswer)("no valid JSON")


def has_php_output(text: str) -> bool:
    """Whether a body begins with a warning or an error of PHP."""
    return _PHP_OUTPUT.match(text) is not None


def is_record_like(text: str) -> bool:
    """Whether a body begins like a record, whose characters may be personal data."""
    return _RECORD_BEGINS.match(text) is not None


def to_record(value: Any, wanted: str | None = None) -> dict[str, Any]:
    """The answered object; with `wanted` the record with that id or name. Raises `NotAnAnswer`."""
    if not isinstance(value, dict):
        raise NotAnAnswer("a list instead of one record" if isinstance(value, list) else "no JSON object")
    if wanted is None:
        if is_refusal_object(value):
            raise NotAnAnswer("an object that is not a record")
    elif str(value.get("id")) != wanted and php.whole(value.get("id")) != php.whole(wanted):
        raise NotAnAnswer(f"something other than record {wanted}")
    return value


def to_rows(value: Any) -> list[Any]:
    """The answered list, in which single rows may be odd but not all of them. Raises `NotAnAnswer`.

    PHP writes a list with gaps as an object whose names are numbers (WooCommerce fact 12).
    """
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        value = list(value.values())
    if not isinstance(value, list):
        raise NotAnAnswer("one object instead of a list" if isinstance(value, dict) else "no list")
    if value and not any(is_record(row) for row in value):
        raise NotAnAnswer("a list without a record")
    return value


def read_error_body(value: Any) -> ErrorBody | None:
    """WordPress's own error body; None for any other JSON, also for other errors."""
    if not isinstance(value, dict) or "data" not in value:
        return None
    code, message = value.get("code"), value.get("message")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or not isinstance(message, str | None):
        return None
    return ErrorBody(code, message or "", value["data"])


def format_error(error: ErrorBody) -> str:
    """The message of an error without markup, followed by the fault of each parameter."""
    plain = " ".join(unescape(re.sub(r"<[^>]*>", " ", error.message)).split())
    faults = error.data.get("params") if isinstance(error.data, dict) else None
    return f"{plain} ({'; '.join(map(str, faults.values()))})" if isinstance(faults, dict) and faults else plain


def is_record(row: Any) -> bool:
    """Whether a row of a list is a record of any kind."""
    return isinstance(row, dict) and ("id" in row or "slug" in row or "instance_id" in row)


def _json_within(text: str) -> Iterator[tuple[Any, str]]:
    """The JSON between what PHP wrote before and after it."""
    if not has_php_output(text) and not text.lstrip().startswith(("{", "[")):
        return
    for begins in _JSON_BEGINS.finditer(text):
        try:
            value, end = read_value(text, begins.start(1))
        except (JSONDecodeError, RecursionError):
            continue
        before, after = text[: begins.start(1)], text[end:]
        if all(not part.strip() or has_php_output(part) for part in (before, after)):
            yield value, before + after
            return
