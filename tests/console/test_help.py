"""The manual: every reason code and setting has a page, and a search in either script finds the passage."""

from __future__ import annotations

import pytest

from contracts.reasons import Reason
from services.console.help.search import search_manual
from services.console.help.settings_reference import list_settings
from tests.console.page_bench import PageBench


async def test_every_reason_and_every_setting_has_a_page(console: PageBench) -> None:
    async with console.browser() as client:
        for path in [
            *(f"/help/reasons/{code}" for code in Reason),
            *(f"/help/settings/{key}" for key in list_settings()),
        ]:
            assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("question", "language", "address"),
    [
        ("forgotten password", "en", "/help/guides/admin"),
        ("Passwords", "en", "/help/guides/"),
        ("bad-headers", "en", "/help/reasons/record.bad-headers"),
        ("topic prefix", "en", "/help/settings/kafka.topic-prefix"),
        ("დავიწყებული პაროლი", "ka", "/help/guides/admin"),
        ("daviwyebuli paroli", "ka", "/help/guides/"),
        ("davitsqebuli parolis", "ka", "/help/guides/admin"),
        ("პაროლების", "ka", "/help/guides/"),
    ],
)
def test_the_search_finds_the_passage(question: str, language: str, address: str) -> None:
    found = search_manual(question, language)  # type: ignore[arg-type]
    assert found[0].address.startswith(address)


def test_the_search_of_nothing_finds_nothing() -> None:
    assert search_manual('"*"', "en") == []
    assert search_manual("", "ka") == []
