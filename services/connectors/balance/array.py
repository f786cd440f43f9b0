"""The elements of a JSON array whose text is still arriving, several times as fast as an event parser gives them.

Python's own decoder reads one value and says where it ended. What is added here: an element may not be there whole yet,
and is then read again once more of it has come.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from typing import Any

from ijson import IncompleteJSONError, JSONError

Scan = Callable[[str, int], tuple[Any, int]]
TAIL = 16
"""An error so near to the end of what came may be a word, a number or an escape that is cut in two."""
_NUMBERS = (int, Decimal)
_AFTER = frozenset(" \t\n\r,]")
_SURROGATE = re.compile(r"\\u[dD]")
_BLANKS = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_MARK = re.compile(r'[][{},:"]')
_MARKS = {("start", "["): "first", ("first", "]"): "end", ("next", ","): "value", ("next", "]"): "end"}


def _no_number(word: str) -> Any:
    raise JSONError(f"{word} is no JSON")


_VALUE: Scan = JSONDecoder(parse_float=Decimal, parse_constant=_no_number).scan_once  # type: ignore[attr-defined]


class ArrayParser:
    """Takes an array in pieces and appends its elements to `found`; numbers come as int or Decimal.

    Raises ijson's errors: `send` a `JSONError` for what is no JSON, `close` an `IncompleteJSONError` without an end.
    """

    def __init__(self, found: list[Any]) -> None:
        self._found = found
        self._decode = getincrementaldecoder("utf-8")().decode
        self._text, self._at, self._enough = "", 0, 0
        self._state, self._odd = "start", False

    def send(self, piece: bytes, *, last: bool = False) -> None:
        """Take a piece in."""
        try:
            self._text += self._decode(piece, last)
        except UnicodeDecodeError as error:
            raise (IncompleteJSONError if last else JSONError)(str(error)) from None
        if last or len(self._text) >= self._enough:
            self._read(last)

    def close(self) -> None:
        """That was all."""
        self.send(b"", last=True)
        if self._state != "end":
            raise IncompleteJSONError("the array has no end")

    def _read(self, last: bool) -> None:
        """Read as far as it goes; what is left is read again once it has doubled, so that long elements stay cheap."""
        text, self._at = self._text, 0
        self._odd = _SURROGATE.search(text) is not None
        try:
            while self._comes_to_an_element(text):
                self._elements(text)
        except StopIteration as error:
            _may_be_cut(text, error.value, last)
        except JSONDecodeError as error:
            _may_be_cut(text, len(text) if error.msg.startswith("Unterminated string") else error.pos, last)
        except RecursionError:
            raise JSONError("nested too deeply") from None
        self._text = text[self._at :]
        self._enough = 2 * len(self._text)

    def _comes_to_an_element(self, text: str) -> bool:
        """Go over blanks and marks, to an element or to the end of what came."""
        while (at := _BLANKS.match(text, self._at).end()) < len(text):  # type: ignore[union-attr]
            self._at = at
            if self._state == "value" or (self._state == "first" and text[at] != "]"):
                return True
            state = _MARKS.get((self._state, text[at]))
            if state is None:
                raise JSONError(f"{text[at]!r} is not what may follow here")
            self._state, self._at = state, at + 1
        return False

    def _elements(self, text: str) -> None:
        """Take elements for as long as a comma follows. Raises what the decoder raises at one that is not whole."""
        self._state = "value"
        while self._state == "value" and self._at < len(text):
            element, end = _VALUE(text, self._at)
            if type(element) in _NUMBERS and text[end : end + 1] not in _AFTER:
                raise StopIteration(end)
            self._found.append(_readable(element) if self._odd else element)
            comma = _COMMA.match(text, end)
            self._state, self._at = ("value", comma.end()) if comma else ("next", end)


def _readable(element: Any) -> Any:
    """Without single halves of characters: Python's decoder lets them through, and no file takes them."""
    match element:
        case str():
            return element.encode(errors="replace").decode()
        case list():
            return [_readable(each) for each in element]
        case dict():
            return {_readable(name): _readable(each) for name, each in element.items()}
    return element


def _may_be_cut(text: str, error_at: int, last: bool) -> None:
    """An error at the end of what came may be an element cut in two; anywhere else it is one. Raises `JSONError`."""
    if error_at < len(text) - TAIL or (last and _MARK.search(text, error_at)):
        raise JSONError(f"no JSON at {text[error_at : error_at + TAIL]!r}")
