r"""Text from outside that is shown to people: what a character must not do on a screen, in a log, a page or a table.

A name may contain characters that move the cursor, start a new line, turn the direction of the text around or take no
space. They are replaced by `\uXXXX`, which is visible and, inside a JSON string, the same character.
"""

from __future__ import annotations

import html
import re

HIDDEN = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5"
    "\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ud800-\\udfff\\ufe00-\\ufe0d\\ufeff\\uffa0"
    "\\ufff0-\\ufffb\\U000110bd\\U000110cd\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0000-\\U000e0fff"
)
"""Inside the brackets of a regular expression: control and format characters, line separators, lone surrogates, and
characters without ink. The variation selectors 15 and 16, which belong to emoji, are not among them."""
_HIDDEN = re.compile(f"[{HIDDEN}]")
_HIDDEN_IN_LINES = re.compile(f"(?!\\n)[{HIDDEN}]")


def make_printable(text: str, *, keep_lines: bool = False) -> str:
    r"""Show each hidden character as `\uXXXX`. JSON remains the same JSON.

    `keep_lines`: line feeds remain, for texts that have several lines on purpose.
    """
    return (_HIDDEN_IN_LINES if keep_lines else _HIDDEN).sub(_escape, text)


def escape_html(text: str) -> str:
    """Escape a text for the content of an HTML element or a quoted attribute; hidden characters become visible."""
    return html.escape(make_printable(text))


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
