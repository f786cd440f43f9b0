"""Every fact or rule that code cites is on one of the three pages; nothing outside the repository is cited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shared_broker import ROOT

PAGES = {
    "WooCommerce fact": ROOT / "services/connectors/woocommerce/FACTS.md",
    "Balance fact": ROOT / "services/connectors/balance/FACTS.md",
    "rule": ROOT / "services/accounting/RULES.md",
}
FOLDERS = ("contracts", "services", "tests", "ops")
NUMBERS = r"s?\s+(\d+(?:(?:,\s*|\s+and\s+|\s+to\s+)\d+)*)"
OUTSIDE = re.compile(
    r"\bAPI (?:facts?|unknown)\b|order-money|reference sections?\b|\bsections? \d+\)|"
    r"\b(?:design|claims|console|screens|balance-api|woocommerce-rest|event-driven)\.md\b|\bbalance-api \d|\bquirk \d",
    re.IGNORECASE,
)


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__))


def numbered_entries(page: Path) -> list[int]:
    return [int(number) for number in re.findall(r"^(\d+)\. ", page.read_text(), re.MULTILINE)]


def cited_numbers(kind: str, text: str) -> Iterator[int]:
    for numbers in re.findall(rf"\b{kind}{NUMBERS}", text, re.IGNORECASE):
        yield from map(int, re.findall(r"\d+", numbers))


@pytest.mark.parametrize("kind", PAGES)
def test_entries_are_numbered_without_gaps(kind: str) -> None:
    entries = numbered_entries(PAGES[kind])
    assert entries == list(range(1, len(entries) + 1))


@pytest.mark.parametrize("kind", PAGES)
def test_every_citation_names_an_entry(kind: str) -> None:
    known = set(numbered_entries(PAGES[kind]))
    cited = {(path, number) for path in sources() for number in cited_numbers(kind, path.read_text())}
    assert len(cited) > len(known) / 4, "the pattern finds the citations"
    assert {f"{path.relative_to(ROOT)}: {kind} {number}" for path, number in cited if number not in known} == set()


def test_nothing_outside_the_repository_is_cited() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}" for path in sources() for match in OUTSIDE.finditer(path.read_text())
    }
    assert found == set()
