"""Groups, categories and the connection of the shop in `davtari init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.init import shop_questions
from services.cli.init.balance_questions import CatalogueFolder
from services.cli.init.interview import Interview
from services.connectors.http.listing import Listing
from services.connectors.woocommerce.products import Category
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import SandboxShopSettings
from tests.catalog_importer.catalogue_bench import world
from tests.cli.interview_answers import give_answers, new_interview

GROUPS = [CatalogueFolder("g-tea", "Goods/Tea", 2), CatalogueFolder("g-mugs", "Goods/Mugs", 2)]


@pytest.fixture
def ask(tmp_path: Path) -> Interview:
    return new_interview(tmp_path)


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
async def test_groups_are_mapped_to_existing_or_new_categories(
    there: tuple[str, ...],
    answers: list[str],
    mapped: dict[str, int],
    made: list[str],
    ask: Interview,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_answers(monkeypatch, *answers)
    store = Store(*there)
    assert await shop_questions.ask_mapping(ask, GROUPS, store) == mapped
    assert store.made == made


async def test_an_existing_category_is_used() -> None:
    async with world() as shop:
        first = await shop.client.create_category("Mugs")
        again = await shop.client.create_category("Mugs")
        assert first == again
        assert [one.name for one in (await shop.client.categories()).records].count("Mugs") == 1


async def test_php_output_before_the_json_of_a_shop_is_shown(
    ask: Interview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notice = "<br />\n<b>Notice</b>:  Undefined index: a in <b>/srv/plugin.php</b> on line <b>3</b><br />\n"
    async with serve(create_shop(SandboxShopSettings(php_notice=notice)), tls=False) as shop:
        give_answers(monkeypatch, "main", shop.url, "ck_sandbox", "cs_sandbox")
        connection = await shop_questions.ask_shop_connection(ask, tmp_path)
    assert connection.answers
    assert "Undefined index" in capsys.readouterr().out
