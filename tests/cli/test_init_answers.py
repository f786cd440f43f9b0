"""What `davtari init` makes of Balance's and the shop's answers, and of a person's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from services.cli.init import app, balance_questions, shop_questions
from services.cli.init.balance_questions import CatalogueFolder, PriceType, list_unnamed_currencies, read_price_types
from services.cli.init.interview import Interview, InterviewEnded, SavedAnswers
from services.cli.init.settings_template import fill_template
from services.connectors.http.listing import Listing
from services.connectors.woocommerce.products import Category
from services.settings import SettingsError, load
from services.settings.balance import BalanceSettings
from services.settings.base import address_fault
from tests.catalog_importer.catalogue_bench import world

LARI, EURO = "93474b88-bfc9-5cf1-a5da-d1e2895859e8", "11111111-1111-4111-8111-111111111111"
RETAIL, OFFER = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
BALANCE = BalanceSettings.model_validate({"application-id": "1234", "user-name": "u", "password-file": "p"})


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Somebody who gives these answers, one after the other; an empty one takes the default."""
    left = iter(answers)
    asked: list[str] = []

    def prompt(question: str, default: Any = None, **_: Any) -> Any:
        asked.append(question)
        return next(left) or default or ""

    def confirm(question: str, default: bool = True) -> bool:
        asked.append(question)
        return {"y": True, "n": False, "": default}[next(left)]

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(typer, "confirm", confirm)
    return asked


@pytest.fixture
def ask(tmp_path: Path) -> Interview:
    return Interview(SavedAnswers(tmp_path / "davtari.answers"))


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
        "prices name it by code in small letters",
        "one uid is offered",
        "two types in one currency",
        "of two currencies one is chosen",
        "of two currencies none is taken unasked",
        "a uid beside the code",
        "wrong numbers are asked again",
    ],
)
def test_the_uid_of_the_books_currency_comes_from_the_price_rows(
    types: list[PriceType],
    answers: list[str],
    expected: dict[str, Any],
    ask: Interview,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answering(monkeypatch, *answers)
    assert balance_questions.ask_currency(ask, types, "GEL") == expected
    assert len(asked) == len(answers)


def test_the_currency_is_written_into_the_settings_as_they_are_read(tmp_path: Path) -> None:
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


async def test_price_types_are_shown_with_an_item_and_its_price_and_odd_rows_are_left_out() -> None:
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


# --- groups and categories -------------------------------------------------------------------------------------------

GROUPS = [CatalogueFolder("g-tea", "Goods/Tea", 2), CatalogueFolder("g-mugs", "Goods/Mugs", 2)]


class Store:
    """A shop's categories."""

    def __init__(self, *names: str) -> None:
        self.held = [Category(id=number, name=name) for number, name in enumerate(names, start=20)]
        self.made: list[str] = []

    async def categories(self) -> Listing[Category]:
        return Listing(tuple(self.held))

    async def create_category(self, name: str) -> Category:
        self.made.append(name)
        self.held.append(Category(id=90 + len(self.made), name=name))
        return self.held[-1]


@pytest.mark.parametrize(
    ("there", "answers", "mapped", "made"),
    [
        (("Tea", "Cups"), ["1, 2", "", ""], {"g-tea": 20}, []),
        (("Tea", "Cups"), ["1, 2", "", "2"], {"g-tea": 20, "g-mugs": 21}, []),
        (("Cups",), ["1", "1", "y"], {"g-tea": 91}, ["Tea"]),
        (("Cups",), ["1", "1", "n"], {}, []),
        ((), ["1, 2", "1", "y", "1", "y"], {"g-tea": 91, "g-mugs": 92}, ["Tea", "Mugs"]),
        ((), ["1, 2", "1", "y", "2"], {"g-tea": 91, "g-mugs": 91}, ["Tea"]),
        (("Tea",), [""], {}, []),
    ],
    ids=[
        "the category of the same name is offered",
        "another category is chosen",
        "a missing category is made when asked",
        "it is not made unasked",
        "a shop without any category",
        "a category that was just made takes another group too",
        "nothing is chosen",
    ],
)
async def test_groups_go_into_categories_that_are_there_or_are_made(
    there: tuple[str, ...],
    answers: list[str],
    mapped: dict[str, int],
    made: list[str],
    ask: Interview,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, *answers)
    store = Store(*there)
    assert await shop_questions.ask_mapping(ask, GROUPS, store) == mapped
    assert store.made == made


async def test_a_category_that_is_there_already_is_taken() -> None:
    async with world() as shop:
        first = await shop.client.create_category("Mugs")
        again = await shop.client.create_category("Mugs")
        assert first == again
        assert [one.name for one in (await shop.client.categories()).records].count("Mugs") == 1


# --- answers that are kept --------------------------------------------------------------------------------------------


def test_answers_are_offered_next_time_by_what_was_chosen(
    ask: Interview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "https://shop.test", "2")
    ask.text("shop.url", "Address")
    assert ask.choose("type", "Which", ["a", "b"]) == "b"
    again = Interview(SavedAnswers(tmp_path / "davtari.answers"))
    answering(monkeypatch, "", "")
    assert again.text("shop.url", "Address") == "https://shop.test"
    assert again.choose("type", "Which", ["b", "c", "a"]) == "b"  # the list has another order now
    again.kept.forget()
    assert not (tmp_path / "davtari.answers").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"shop.url": 7, "type": "a"}'])
def test_a_file_of_answers_that_makes_no_sense_offers_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "davtari.answers").write_text(text, encoding="utf-8")
    ask = Interview(SavedAnswers(tmp_path / "davtari.answers"))
    answering(monkeypatch, "https://shop.test", "")
    assert ask.text("shop.url", "Address") == "https://shop.test"
    assert ask.choose_many("type", "Which", ["x"]) == []


@pytest.mark.parametrize("error", [typer.Abort, KeyboardInterrupt])
def test_an_input_that_ends_is_told_with_its_question(
    error: type[BaseException], ask: Interview, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(typer, "prompt", ends)
    with pytest.raises(InterviewEnded, match="Address"):
        ask.text("shop.url", "Address")


async def test_without_a_terminal_it_is_said_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await app.write_settings(tmp_path / "davtari.toml", guided=False) == 0
    said, text = capsys.readouterr().out, (tmp_path / "davtari.toml").read_text(encoding="utf-8")
    for key in ("balance.application-id", "balance.user-name", "shops.main.url"):
        assert key in said
        assert f"\n{key.rpartition('.')[2]} = " in text
    for name in app.SECRETS:
        assert f"secrets/{name}" in said
        assert f"secrets/{name}" in text


# --- addresses --------------------------------------------------------------------------------------------------------

ADDRESSES = {
    "https://shop.example.ge": True,
    "http://10.0.0.5:8080/Balance_Exchange/hs/Exchange": True,
    "http://server/Balance_Exchange/hs/Exchange": True,
    "https://ყავა.გე": True,
    "http://[::1]:8080": True,
    "": False,
    "shop.example.ge": False,
    "ftp://shop.example.ge": False,
    "http://": False,
    "https:///path": False,
    "http://server:99999/x": False,
    "http://server:port/x": False,
    "http://ser ver/x": False,
    "http://[::1": False,
    "http://server\n": False,
    "httpx://server": False,
}


@pytest.mark.parametrize(("text", "fine"), ADDRESSES.items())
def test_an_address_that_no_client_could_call_is_refused(text: str, fine: bool) -> None:
    assert (address_fault(text) == "") == fine


def _settings(**changed: str) -> Iterator[str]:
    lines = {
        "shop": 'url = "https://shop.test"',
        "balance": 'url = "http://server/x"',
        "receiver": 'public-url = "https://davtari.test"',
    } | changed
    yield f'[balance]\ntransport = "on-prem"\nuser-name = "u"\npassword-file = "p"\n{lines["balance"]}'
    yield f'[shops.main]\nkey-file = "k"\nsecret-file = "s"\n{lines["shop"]}'
    yield f"[receiver]\n{lines['receiver']}"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"shop": 'url = "http://[::1"'}, "shops.main.url"),
        ({"balance": 'url = "http://server:port/x"'}, "balance.url"),
        ({"receiver": 'public-url = "davtari.test"'}, "receiver.public-url"),
    ],
)
def test_settings_name_the_key_of_an_unusable_address(changed: dict[str, str], key: str, tmp_path: Path) -> None:
    path = tmp_path / "davtari.toml"
    path.write_text("\n".join(_settings()), encoding="utf-8")
    load(path, environ={})
    path.write_text("\n".join(_settings(**changed)), encoding="utf-8")
    with pytest.raises(SettingsError, match=key):
        load(path, environ={})
