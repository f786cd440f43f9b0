"""Guides from Markdown files, in sections that can be linked and searched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.settings.translation import Language

FOLDER = Path(__file__).parents[1] / "guides"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKS = str.maketrans("", "", "`*")


@dataclass(frozen=True, slots=True)
class GuideSection:
    """One section of a guide: its heading, its anchor on the page, and its text for the search."""

    heading: str
    anchor: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide in one language."""

    title: str
    introduction: str
    sections: tuple[GuideSection, ...]


@cache
def read_guide(name: str, language: Language) -> Guide:
    """The guide of a role. Raises `KeyError` if there is none."""
    path = FOLDER / f"{name}.{language}.md"
    if path not in FOLDER.iterdir():
        raise KeyError(name)
    title, *parts = _split(_MARKDOWN.parse(path.read_text(encoding="utf-8")))
    sections = tuple(_section(number, part) for number, part in enumerate(parts, 1))
    return Guide(_heading(title), _render(title[3:]), sections)


def _split(tokens: list[Token]) -> list[list[Token]]:
    """The tokens of the title with its introduction, then those of each section."""
    parts: list[list[Token]] = []
    for token in tokens:
        if token.type == "heading_open" and token.tag in ("h1", "h2"):
            parts.append([])
        parts[-1].append(token)
    return parts


def _section(number: int, tokens: list[Token]) -> GuideSection:
    text = " ".join(token.content for token in tokens[3:] if token.type == "inline").translate(_MARKS)
    return GuideSection(_heading(tokens), f"section-{number}", _render(tokens[3:]), text)


def _heading(tokens: list[Token]) -> str:
    return tokens[1].content


def _render(tokens: list[Token]) -> str:
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html
