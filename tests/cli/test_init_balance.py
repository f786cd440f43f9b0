"""Price types and currencies in `davtari init`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.cli.init import app, balance_questions
from services.cli.init.balance_questions import PriceType, list_unnamed_currencies, read_price_types
from services.cli.init.interview import Interview
from services.cli.init.settings_template import fill_template
from services.settings import load
from services.settings.balance import BalanceSettings
from tests.cli.interview_answers import give_answers, new_interview

LARI, EURO = "93474b88-bfc9-5cf1-a5da-d1e2895859e8", "11111111-1111-4111-8111-111111111111"
RETAIL, OFFER = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
BALANCE = BalanceSettings.model_validate({"application-id": "1234", "user-name": "u", "password-file": "p"})


@pytest.fixture
def ask(tmp_path: Path) -> Interview:
    return new_interview(tmp_path)


def in_currencies(*named: str | None) -> list[PriceType]:
    """A price type for each currency."""
    types = []
    for number, currency in enumerate(named):
        one = PriceType(f"type-{number}", f"item-{number}", Decimal("14.75"), count=3)
        one.currencies.update([currency] if currency else [])
        types.append(one)
    return types


@pytest.mark.parametrize(
    ("types", "answers", "expected"),
    [
        (in_currencies(None), [], {}),
        (in_currencies("GEL"), [], {}),
        (in_currencies("gel"), [], {}),
        (in_currencies(LARI), [""], {"currencies": {"GEL": LARI}}),
        (in_currencies(LARI, LARI), ["1"], {"currencies": {"GEL": LARI}}),
        (in_currencies(LARI, EURO), ["2"], {"currencies": {"GEL": EURO}}),
        (in_currencies(LARI, EURO), [""], {}),
        (in_currencies("GEL", EURO), [""], {"currencies": {"GEL": EURO}}),
        (in_currencies(LARI, EURO), ["3", "1, 2", "x", "1"], {"currencies": {"GEL": LARI}}),
    ],
    ids=[
        "prices name no currency",
        "prices name it by code",
        "prices name it by code in lower case",
        "one uid is offered",
        "two types in one currency",
        "of two currencies one is chosen",
        "of two currencies none is taken unasked",
        "a uid beside the code",
        "wrong numbers are asked again",
    ],
)
def test_the_uid_of_the_currency_comes_from_price_rows(
    types: list[PriceType],
    answers: list[str],
    expected: dict[str, Any],
    ask: Interview,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = give_answers(monkeypatch, *answers)
    assert balance_questions.ask_currency(ask, types, "GEL") == expected
    assert len(asked) == len(answers)


def test_the_currency_is_written_to_the_settings(tmp_path: Path) -> None:
    values: dict[str, Any] = {"application-id": "1234", "user-name": "davtari", "currencies": {"GEL": LARI}}
    path = tmp_path / "davtari.toml"
    path.write_text(fill_template(app.read_template(), {"balance": values}, "main"), encoding="utf-8")
    assert load(path, environ={}).balance.currencies == {"GEL": LARI}


class Shown:
    """A Balance with these prices and items."""

    def __init__(self, prices: Sequence[Mapping[str, Any]], items: Mapping[str, Mapping[str, Any]]) -> None:
        self._prices, self._items = prices, items

    async def current_prices(self) -> AsyncIterator[Mapping[str, Any]]:
        for row in self._prices:
            yield row

    async def item(self, uid: str) -> Mapping[str, Any] | None:
        return self._items.get(uid)


def priced(item: str, price_type: str, price: str, currency: str = LARI) -> dict[str, str]:
    return {"Item": item, "PriceType": price_type, "Price": price, "Currency": currency}


async def test_price_types_are_shown_with_an_example() -> None:
    tea, gone = "44444444-4444-4444-8444-444444444444", "55555555-5555-4555-8555-555555555555"
    rows = [
        priced(tea, RETAIL, "dear"), {"Price": "1"}, priced(tea, RETAIL, "14.75"), priced(gone, RETAIL, "2"),
        priced(gone, OFFER, "1"),
    ]  # fmt: skip
    items = {tea: {"uid": tea, "Name": "Black tea", "InternalArticle": "TEA-1"}}
    shown: Any = Shown(rows, items)
    found = await read_price_types(shown, BALANCE)
    assert [(one.uid, one.count, one.shown) for one in found] == [
        (RETAIL, 2, "TEA-1 Black tea: 14.75"),
        (OFFER, 1, f"{gone}: 1"),
    ]
    assert list_unnamed_currencies(found, "GEL") == [LARI]
