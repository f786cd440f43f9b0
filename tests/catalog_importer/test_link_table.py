"""The link table as a file, from a file, and back from the shop: what is linked, what is refused, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.balance import ItemChanged
from contracts.catalog import ProductLinked
from contracts.linking import LinkRequested, RequestedLink
from services.cli.links import table
from services.cli.links.rebuild import rebuild_links
from services.cli.links.table import InvalidLinkTable, LinkLine
from services.cli.links.verdicts import KnownLinks, LinkVerdict, judge_lines
from services.sandbox.woocommerce.products import Products
from tests.catalog_importer.catalogue_bench import NOON, item, links, world

META = "_balance_uid"
BLACK, GREEN = item("tea-100"), item("tea-200")


def known(*items: ItemChanged, tied: Mapping[str, ProductLinked] | None = None) -> KnownLinks:
    """What the topics know."""
    return KnownLinks({one.item: one for one in items or (BLACK, GREEN)}, tied or {}, META)


def tie(product: int, uid: str = "tea-100", **more: object) -> ProductLinked:
    """A link."""
    fields = {
        "shop": "main",
        "item": uid,
        "product_id": product,
        "sku": uid.upper(),
        "how": "adopted",
        "linked_at": NOON,
    }
    return ProductLinked.model_validate(fields | more)


def asks(verdicts: list[LinkVerdict]) -> LinkRequested:
    """A person's command to make what may be linked."""
    made = tuple(one.link for one in verdicts if one.link)
    return LinkRequested(shop="main", links=made, command_id="c-1", asked_by="nino", asked_at=NOON)


def test_the_table_that_is_written_is_the_table_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    written = table.write_links([tie(11), tie(22, "tea-200", parent_id=20), tie(33, "other", shop="second")], path)
    assert written == 3
    assert table.read_lines(path, "main") == [
        LinkLine(2, "tea-100", "TEA-100", 11),
        LinkLine(3, "tea-200", "TEA-200", 20, 22),
    ]


@pytest.mark.parametrize("sku", ["=1+1", "-5", "+7", "@TEA", "＝1", "'=1", "'TEA'", "A;=1", "[bold]x[/]", "x\u202ey"])
def test_a_sku_that_looks_like_a_formula_is_read_as_it_was(sku: str, tmp_path: Path) -> None:
    table.write_links([tie(11, sku=sku)], tmp_path / "links.csv")
    assert table.read_lines(tmp_path / "links.csv", "main") == [LinkLine(2, "tea-100", sku, 11)]


@pytest.mark.parametrize(
    "text", ["TEA-100,tea-100\n", "SKU,uid\nTEA-100,TEA-100\n", "_balance_uid,sku\ntea-100,TEA-100\n"]
)
def test_the_two_columns_that_other_plugins_give_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(text, encoding="utf-8")
    [line] = table.read_lines(path, "main")
    assert (line.item, line.sku, line.id) == ("tea-100", "TEA-100", 0)


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "sku,uid,product_id\nTEA,tea,eleven\n"])
def test_what_is_no_link_table_is_refused_with_what_is_expected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "strange.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidLinkTable):
        table.read_lines(path, "main")


@pytest.mark.claim("I15")
async def test_a_table_of_another_plugin_ties_items_to_the_products_that_are_there() -> None:
    async with world() as shop:
        product = shop.product(name="Tea", sku="TEA-100")
        verdicts = await judge_lines([LinkLine(1, "tea-100", "tea-100")], known(), shop.client)
        assert shop.writes() == []
        [made] = links(await shop.take(asks(verdicts)))
        assert (made.how, made.product_id) == ("mapped", product)
        # then the item that comes later is this product, and no other is made
        [written] = links(await shop.take(BLACK))
        assert (written.how, written.product_id, len(shop.shop.products)) == ("mapped", product, 1)


REFUSED = [
    (LinkLine(1, "unknown", "TEA-100"), "no item unknown"),
    (LinkLine(1, "tea-100", "NOT-THERE"), "no SKU NOT-THERE"),
    (LinkLine(1, "tea-100", "TEA-100", 999), "no product 999"),
    (LinkLine(1, "tea-100", "OTHER-SKU", 10), "has SKU TEA-100, not OTHER-SKU"),
    (LinkLine(1, "tea-200", "GREEN", 11), "already linked to item tea-300"),
    (LinkLine(1, "tea-200", "FOREIGN", 12), "has item foreign-uid"),
    (LinkLine(1, "tea-200", "BINNED", 13), "is in the shop's trash"),
    (LinkLine(1, "tea-200", "FAMILY", 14), "is variable"),
    (LinkLine(1, "tea-300", "TEA-100", 10), "the item is already linked to product 11"),
]


@pytest.mark.parametrize(("line", "why"), REFUSED, ids=[why for _, why in REFUSED])
async def test_a_line_that_the_shop_or_the_topics_contradict_is_refused_with_the_reason(
    line: LinkLine, why: str
) -> None:
    async with world() as shop:
        shop.product(name="Tea", sku="TEA-100")
        shop.product(name="Green", sku="GREEN")
        shop.product(name="Foreign", sku="FOREIGN", meta_data=[{"key": META, "value": "foreign-uid"}])
        shop.shop.products[shop.product(name="Binned", sku="BINNED")]["status"] = "trash"
        shop.product(name="Family", sku="FAMILY", type="variable")
        topics = known(BLACK, GREEN, item("tea-300"), tied={"tea-300": tie(11, "tea-300")})
        [verdict] = await judge_lines([line], topics, shop.client)
    assert verdict.link is None
    assert why in verdict.why


async def test_an_item_twice_in_the_file_is_refused_both_times() -> None:
    async with world() as shop:
        shop.product(name="Tea", sku="TEA-100")
        verdicts = await judge_lines(
            [LinkLine(1, "tea-100", "TEA-100"), LinkLine(2, "tea-100", "TEA-200")], known(), shop.client
        )
    assert [one.link for one in verdicts] == [None, None]


async def test_a_link_asked_for_before_the_product_vanished_is_not_made_again() -> None:
    async with world() as shop:
        asked = RequestedLink(item="tea-100", product_id=shop.product(name="Tea", sku="OTHER"), sku="OTHER")
        await shop.take(BLACK, asks([LinkVerdict(LinkLine(1, "tea-100", "OTHER"), asked)]))
        del shop.shop.products[asked.product_id]
        shop.consumer.state.now = NOON.replace(year=2027)
        published = await shop.take(item("tea-100", weight="0.2", item_type="goods"))
        assert [one.how for one in links(published)] == ["created"]


@pytest.mark.claim("S2.3", "I15")
async def test_with_topics_and_state_lost_the_links_come_back_from_the_shop_and_nothing_is_made_twice() -> None:
    async with world() as old:
        # given: products of ours, one of which was given another SKU in the shop since, and a variation
        family = old.product(name="Family", type="variable")
        size = old.variation(family, sku="TEA-300")
        items = [BLACK, GREEN, item("tea-300"), item("tea-400")]
        before = {one.item: one.product_id for one in links(await old.take(*items[:3]))}
        Products(old.shop).update(before["tea-200"], {"sku": "RENAMED"}, strict=False)
        untied = old.product(name="Made by hand", sku="TEA-400")
        there = len(old.shop.products)
        # when: everything of ours is lost, and the shop is asked
        old.consumer.state.records.clear()
        old.consumer.state.refs.clear()
        verdicts = await rebuild_links(old.client, known(*items))
        published = await old.take(asks(verdicts), *items)
        # then: every link is the old one, the products made by hand are found by SKU, and nothing was made
        assert {one.item: one.product_id for one in links(published)} == {**before, "tea-400": untied}
        assert before["tea-300"] == size
        assert len(old.shop.products) == there
