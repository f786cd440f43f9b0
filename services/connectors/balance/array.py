"""Parses the elements of a JSON array while its text arrives, several times as fast as an event parser.

`json.JSONDecoder.raw_decode` reads one value and returns where it ended. Added here: an element may not have arrived
completely yet, and is then read again when more of it has. ijson's C backend is not used for rows, because one lone low
surrogate (`"\\udc00"`) in one row makes it fail on the whole answer.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from decimal import Decimal
from json import JSONDecodeError
from typing import Any

from ijson import IncompleteJSONError, JSONError

from contracts.json_text import DEEPEST, TOO_DEEP
from services.connectors.http.json_reader import cut_nesting, read_value

TAIL = 16
"""An error this close to the end of the text may be a word, a number or an escape that is cut in two."""
_NUMBERS = (int, Decimal)
_AFTER = frozenset(" \t\n\r,]")
_SURROGATE = re.compile(r"\\u[dD]")
_BLANKS = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_MARK = re.compile(r'[][{},:"]')
_MARKS = {("start", "["): "first", ("first", "]"): "end", ("next", ","): "value", ("next", "]"): "end"}


class ArrayParser:
    """Parses an array piece by piece and appends its elements to `found`; numbers are int or Decimal.

    Raises ijson's errors: `send` a `JSONError` for invalid JSON, `close` an `IncompleteJSONError` if the end is
    missing.
    """

    def __init__(self, found: list[Any], *, enclosed: bool = False) -> None:
        """`enclosed`: the array is a member of an object, whose rest is ignored up to its end."""
        self._found, self._enclosed, self._last = found, enclosed, ""
        self._decode = getincrementaldecoder("utf-8")().decode
        self._text, self._at, self._enough = "", 0, 0
        self._state, self._has_surrogates = "start", False

    def send(self, piece: bytes, *, last: bool = False) -> None:
        """Parse the next piece."""
        try:
            self._text += self._decode(piece, last)
        except UnicodeDecodeError as error:
            raise (IncompleteJSONError if last else JSONError)(str(error)) from None
        if last or len(self._text) >= self._enough:
            self._parse(last)

    def close(self) -> None:
        """End the array."""
        self.send(b"", last=True)
        if self._state != "end" or (self._enclosed and self._last != "}"):
            raise IncompleteJSONError("the array has no end")

    def _parse(self, last: bool) -> None:
        """Parse all complete elements. The rest is parsed again when it has doubled, to keep long elements cheap."""
        text, self._at = self._text, 0
        self._has_surrogates = _SURROGATE.search(text) is not None
        try:
            while self._skip_to_element(text):
                self._parse_elements(text)
        except JSONDecodeError as error:
            _check_cut(text, len(text) if error.msg.startswith("Unterminated string") else error.pos, last)
        except RecursionError:
            if (shallow := cut_nesting(text[self._at :])) != text[self._at :]:
                self._text = shallow
                self._parse(last)
                return
            if last:
                raise JSONError("nested too deeply") from None
        self._text = text[self._at :]
        self._enough = 2 * len(self._text)

    def _skip_to_element(self, text: str) -> bool:
        """Skip blanks, brackets and commas. Returns whether an element follows before the end of the text."""
        while (at := _BLANKS.match(text, self._at).end()) < len(text):  # type: ignore[union-attr]
            self._at = at
            if self._state == "end" and self._enclosed:
                self._at, self._last = len(text), text.rstrip()[-1]
                return False
            if self._state == "value" or (self._state == "first" and text[at] != "]"):
                return True
            state = _MARKS.get((self._state, text[at]))
            if state is None:
                raise JSONError(f"unexpected {text[at]!r}")
            self._state, self._at = state, at + 1
        return False

    def _parse_elements(self, text: str) -> None:
        """Parse elements as long as a comma follows. Raises `JSONDecodeError` at an incomplete one."""
        self._state = "value"
        while self._state == "value" and self._at < len(text):
            element, end = read_value(text, self._at)
            if type(element) in _NUMBERS and text[end : end + 1] not in _AFTER:
                raise JSONDecodeError("Expecting delimiter", text, end)
            self._found.append(_replace_surrogates(element) if self._has_surrogates else element)
            comma = _COMMA.match(text, end)
            self._state, self._at = ("value", comma.end()) if comma else ("next", end)


def _replace_surrogates(element: Any, depth: int = DEEPEST) -> Any:
    """The element without lone surrogates: Python's decoder accepts them, but they cannot be encoded."""
    match element:
        case str():
            return element.encode(errors="replace").decode()
        case list() | dict() if depth == 0:
            return TOO_DEEP
        case list():
            return [_replace_surrogates(each, depth - 1) for each in element]
        case dict():
            return {_replace_surrogates(name): _replace_surrogates(each, depth - 1) for name, each in element.items()}
    return element


def _check_cut(text: str, error_at: int, last: bool) -> None:
    """Accept an error at the end of the text, where an element may be cut in two. Raises `JSONError` elsewhere."""
    if error_at < len(text) - TAIL or (last and _MARK.search(text, error_at)):
        raise JSONError(f"invalid JSON at {text[error_at : error_at + TAIL]!r}")
