"""Several products of a shop could be one item: what is ambiguous is refused by name, translations are one item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemChanged
from contracts.catalog import FurtherProduct, ProductLinked
from contracts.linking import LinkRequested, RequestedLink
from contracts.reasons import Reason
from services.catalog_importer.eligibility import Skip, item_traits
from services.catalog_importer.placement import ProductChange, place_item
from services.catalog_importer.product import DesiredProduct, ProductPayload
from services.cli.links import verdicts
from services.cli.links.rebuild import rebuild_links
from services.cli.links.table import LinkLine
from services.cli.links.verdicts import KnownLinks, LinkVerdict, judge_lines
from services.connectors.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import TOYS, World, item, links, price, priced, settings, world
from tests.catalog_importer.test_field_ownership import HELD
from tests.support.memory_state import NOON

META = "_balance_uid"
CUP = item("cup-1", sku="CUP")
OURS, OTHERS, UNKNOWN = {META: "cup-1"}, {META: "mug-1"}, {META: "of-another-installation"}
TRANSLATED = {"ka": 311, "en": 612}
SHOP = settings().shops["main"]


def product(id_: int = 311, **more: Any) -> Product:
    return replace(HELD, **{"id": id_, "sku": "CUP", "name": "Cup", **more})


COPY = product(612, status="draft", name="Cup (Copy)", sku="CUP-1", meta=OURS)
"""What "Duplicate" makes of a product: a draft of another SKU, with the custom fields of the first."""
KA, EN = product(language="ka", translations=TRANSLATED), product(612, language="en", translations=TRANSLATED)

# what the shop holds → the ids that become the item's products, or those that are named in the refusal
CASES: dict[str, tuple[tuple[Product, ...], Sequence[int], Sequence[int]]] = {
    "one product": ((product(),), [311], []),
    "SKU in other letter case": ((product(sku="cup"),), [311], []),
    "SKU with blanks around it": ((product(sku="CUP "),), [311], []),
    "two products with one SKU": ((product(), product(612)), [], [311, 612]),
    "two products whose SKUs differ in letter case": ((product(), product(612, sku="cup")), [], [311, 612]),
    "three products with one SKU": ((product(), product(612), product(700)), [], [311, 612, 700]),
    "one published and one draft with one SKU": ((product(), product(612, status="draft")), [], [311, 612]),
    "copy that took the uid and the SKU": ((product(meta=OURS), product(612, meta=OURS)), [], [311, 612]),
    "variable product beside its variation": (
        (product(type="variable"), product(612, type="variation", parent_id=311)), [], [311, 612],
    ),
    "variations that show the SKU of their parent": (
        (product(type="variable"), *(product(n, type="variation", parent_id=311) for n in (612, 613))), [], [311, 612],
    ),
    "variable product and variation with the uid": (
        (product(type="variable", meta=OURS), product(612, type="variation", parent_id=311, meta=OURS)), [], [311, 612],
    ),
    "variable product alone": ((product(type="variable"),), [], [311]),
    "variation alone": ((product(type="variation", parent_id=300),), [311], []),
    "the uid decides between two of one SKU": ((product(), product(612, meta=OURS)), [612], []),
    "duplicate in the trash": ((product(), product(612, status="trash")), [311], []),
    "duplicate in the trash with the uid": ((product(meta=OURS), product(612, status="trash", meta=OURS)), [311], []),
    "only in the trash": ((product(status="trash"),), [], [311]),
    "ours in the trash, another with its SKU": ((product(status="trash", meta=OURS), product(612)), [], [311]),
    "uid of another item": ((product(meta=OTHERS),), [], [311]),
    "uid of an item that nobody knows": ((product(meta=UNKNOWN),), [], [311]),
    "translations": ((KA, EN), [311, 612], []),
    "translations that carry the uid": ((replace(KA, meta=OURS), replace(EN, meta=OURS)), [311, 612], []),
    "translations and a copy": ((KA, EN, product(700)), [], [311, 612, 700]),
    "two languages, no translations of each other": (
        (replace(KA, translations={"ka": 311}), replace(EN, translations={"en": 612})), [], [311, 612],
    ),
    "translation of only one side": ((KA, replace(EN, translations={})), [], [311, 612]),
    "a product that names a translation in its own language": ((KA, replace(EN, language="ka")), [], [311, 612]),
    "translation that belongs to another item": ((KA, replace(EN, meta=OTHERS)), [], [612]),
}  # fmt: skip


class Shelves:
    """The products of a shop."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = products

    async def every_product(self) -> AsyncIterator[Product]:
        for one in self.products:
            if one.status != "trash":
                yield one

    async def trashed_products(self) -> AsyncIterator[Product]:
        for one in self.products:
            if one.status == "trash":
                yield one

    async def product(self, product_id: int) -> Product | None:
        return next((one for one in self.products if one.id == product_id), None)

    async def products_by_sku(self, skus: Any) -> dict[str, Sequence[Product]]:
        return {sku: [one for one in self.products if one.sku.strip().casefold() == sku.casefold()] for sku in skus}


def known(*items: ItemChanged, tied: Sequence[ProductLinked] = (), rules: bool = False) -> KnownLinks:
    by_uid = {one.item: one for one in items or (CUP,)}
    return KnownLinks(by_uid, {link.item: link for link in tied}, META, SHOP.catalogue if rules else None)


def tie(product_id: int = 311, **more: Any) -> ProductLinked:
    published = {"shop": "main", "item": "cup-1", "product_id": product_id, "sku": "CUP", "how": "adopted"}
    return ProductLinked.model_validate(published | {"linked_at": NOON} | more)


def adopted(found: Sequence[Product]) -> tuple[list[int], str]:
    """The products that adoption takes, or its refusal."""
    payload = ProductPayload(
        shop="main", nature=item_traits(CUP), desired=DesiredProduct(sku="CUP", name="Cup"), digest="d"
    )
    placed = place_item(payload, found, None, SHOP)
    if isinstance(placed, Skip):
        return [], placed.detail
    assert isinstance(placed, ProductChange)
    assert placed.product is not None
    return [placed.product.id, *(one.product.id for one in placed.further)], ""


def asked(verdicts: Sequence[LinkVerdict]) -> tuple[list[int], str]:
    return [one.link.product_id for one in verdicts if one.link], "; ".join(one.why for one in verdicts if one.refused)


@pytest.mark.claim("K22")
@pytest.mark.parametrize(("found", "taken", "named"), CASES.values(), ids=CASES.keys())
async def test_adoption_rebuild_and_import_decide_alike(
    found: tuple[Product, ...], taken: Sequence[int], named: Sequence[int]
) -> None:
    shop = Shelves(found)
    answers = {
        "adoption": adopted([one for one in found if one.sku.strip().casefold() == "cup"]),
        "rebuild": asked(await rebuild_links(shop, known())),
        "rebuild with rules": asked(await rebuild_links(shop, known(rules=True))),
        "import by SKU": asked(await judge_lines([LinkLine(1, "cup-1", "CUP")], known(), shop)),
    }
    for who, (ids, why) in answers.items():
        assert ids == taken, who
        assert bool(why) == bool(named), who
        for id_ in named:
            assert str(id_) in why, who


async def test_a_duplicate_with_a_copied_uid_is_refused_and_the_rest_is_rebuilt() -> None:
    shop = Shelves([product(meta=OURS), COPY, product(400, sku="MUG", meta=OTHERS)])
    verdicts = await rebuild_links(shop, known(CUP, item("mug-1", sku="MUG")))
    assert asked(verdicts)[0] == [400]
    [refused] = [one for one in verdicts if one.refused]
    assert refused.line.item == "cup-1"
    assert "#311 (_balance_uid cup-1), #612 (SKU CUP-1, _balance_uid cup-1)" in refused.why


async def test_a_renamed_product_with_the_uid_and_another_one_with_the_sku_are_both_named() -> None:
    shop = Shelves([product(311, sku="CUP-OLD", meta=OURS), product(612)])
    [refused] = await rebuild_links(shop, known())
    assert (refused.link, "#311" in refused.why, "#612" in refused.why) == (None, True, True)


async def test_a_renamed_product_with_the_uid_is_found() -> None:
    assert asked(await rebuild_links(Shelves([product(sku="CUP-OLD", meta=OURS)]), known()))[0] == [311]


async def test_two_items_with_one_sku_are_refused_unless_no_rule_lets_the_other_in() -> None:
    shop, twin = Shelves([product()]), item("cup-2", sku="cup")
    both = await rebuild_links(shop, known(CUP, twin, rules=True))
    assert [(one.line.item, one.link) for one in both] == [("cup-1", None), ("cup-2", None)]
    assert "item cup-2" in both[0].why
    retired = twin.model_copy(update={"group": TOYS, "path": ()})
    [one] = await rebuild_links(shop, known(CUP, retired, rules=True))
    assert (one.line.item, one.link and one.link.product_id) == ("cup-1", 311)


async def test_an_item_that_no_rule_lets_in_is_found_by_its_uid_but_not_by_sku() -> None:
    shut = CUP.model_copy(update={"group": TOYS, "path": ()})
    assert await rebuild_links(Shelves([product()]), known(shut, rules=True)) == []
    assert asked(await rebuild_links(Shelves([product(meta=OURS)]), known(shut, rules=True)))[0] == [311]


async def test_two_lines_of_a_table_cannot_name_one_product() -> None:
    lines = [LinkLine(1, "cup-1", "CUP"), LinkLine(2, "mug-1", "CUP")]
    verdicts = await judge_lines(lines, known(CUP, item("mug-1")), Shelves([product()]))
    assert asked(verdicts)[0] == []
    assert all("several lines have product 311" in one.why for one in verdicts)


async def test_one_product_that_cannot_be_read_refuses_its_line_alone() -> None:
    async with world() as shop:
        good = shop.product(name="Mug", sku="MUG")
        shop.held(shop.product(name="Cup", sku="CUP"))["type"] = ["simple"]
        lines = [LinkLine(1, "cup-1", "CUP", good + 1), LinkLine(2, "mug-1", "MUG", good)]
        verdicts = await judge_lines(lines, known(CUP, item("mug-1")), shop.client)
    assert asked(verdicts)[0] == [good]


@pytest.mark.parametrize(
    ("tied", "expected"),
    [((), [(311, None), (612, "add")]), ([tie()], [(612, "add")]), ([tie(612)], [(311, "add")])],
    ids=["not linked", "linked to the first", "linked to the second"],
)
async def test_rebuilding_adds_the_translations_to_a_link(
    tied: Sequence[ProductLinked], expected: list[tuple[int, str | None]]
) -> None:
    verdicts = await rebuild_links(Shelves([KA, EN]), known(tied=tied))
    assert [(one.link.product_id, one.link.further) for one in verdicts if one.link] == expected


async def test_a_link_with_all_its_translations_asks_for_nothing() -> None:
    held = tie(further=(FurtherProduct(product_id=612, sku="CUP"),))
    assert await rebuild_links(Shelves([KA, EN]), known(tied=[held])) == []


# --- by hand --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["cup-1", "CUP-1", "CUP", " cup "])
async def test_the_item_may_be_named_by_uid_or_sku(named: str) -> None:
    line = await verdicts.build_line(named, 612, known(tied=[tie()]), Shelves([product(612, sku="CUP-EN")]))
    assert (line.item, line.id, line.further) == ("cup-1", 612, True)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (product(612, sku="CUP-EN"), ""),
        (product(612, sku="", meta=OURS), ""),
        (product(612, meta=OTHERS), "has item mug-1"),
        (product(612, status="trash"), "trash"),
        (product(612, type="variable"), "is variable"),
        (None, "no product 612"),
    ],
    ids=["another SKU", "no SKU, the same uid", "of another item", "in the trash", "variable", "not there"],
)
async def test_a_second_product_is_linked_by_hand_unless_it_cannot_be_the_item(
    second: Product | None, why: str
) -> None:
    shop, topics = Shelves([product(), *([second] if second else [])]), known(tied=[tie()])
    [verdict] = await judge_lines([await verdicts.build_line("cup-1", 612, topics, shop)], topics, shop)
    assert (verdict.why == "") if not why else (why in verdict.why)
    assert (verdict.link and verdict.link.further) == (None if why else "add")


def request(*made: RequestedLink, minute: int = 0) -> LinkRequested:
    at = NOON.replace(minute=minute)
    return LinkRequested(shop="main", links=made, command_id=f"c-{minute}", asked_by="nino", asked_at=at)


def second(product_id: int, action: str = "add") -> RequestedLink:
    return RequestedLink.model_validate({"item": "tea-100", "product_id": product_id, "sku": "X", "further": action})


async def translated(shop: World) -> tuple[int, int]:
    """An item with its product, and a translation of it that a person has linked."""
    [link] = links(await shop.take(item(), priced("tea-100", price("14.75"))))
    other = shop.product(name="Black tea EN", sku="TEA-100-EN", regular_price="1.00")
    await shop.take(request(second(other)))
    return link.product_id, other


async def test_prices_go_to_every_product_of_an_item_and_names_and_skus_stay() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        assert shop.held(other)["regular_price"] == "14.75"
        [link] = links(await shop.take(priced("tea-100", price("16"))))
        assert [shop.held(id_)["regular_price"] for id_ in (main, other)] == ["16.00", "16.00"]
        assert link.product_ids == (main, other)
        assert (shop.held(other)["name"], shop.held(other)["sku"]) == ("Black tea EN", "TEA-100-EN")
        assert {one.digest for one in link.further} == {link.written and link.written.digest}
        shop.faults.journal.clear()
        assert await shop.take(item(), priced("tea-100", price("16.00"))) == []
        assert shop.requests() == []


async def test_a_further_product_that_vanished_leaves_the_link_and_the_rest_is_written() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        del shop.shop.products[other]
        [link] = links(await shop.take(priced("tea-100", price("16"))))
        assert (link.product_ids, shop.held(main)["regular_price"]) == ((main,), "16.00")
        # and the old request does not bring it back
        assert await shop.take(request(second(other))) == []


async def test_a_further_product_is_removed_by_hand_and_written_no_more() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        [link] = links(await shop.take(request(second(other, "remove"), minute=5)))
        assert link.product_ids == (main,)
        await shop.take(priced("tea-100", price("16")))
        assert [shop.held(id_)["regular_price"] for id_ in (main, other)] == ["16.00", "14.75"]


async def test_translations_are_adopted_together() -> None:
    async with world() as shop:
        first = shop.product(name="შავი ჩაი", sku="TEA-100", regular_price="1")
        twin = shop.product(name="Black tea", sku="TEA-EN", regular_price="1")
        shop.held(twin)["sku"] = "TEA-100"
        for id_, language in ((first, "ka"), (twin, "en")):
            shop.held(id_).update(lang=language, translations={"ka": str(first), "en": str(twin)})
        found = {"TEA-100": [one async for one in shop.client.every_product()]}
        assert [one.translations for one in found["TEA-100"]] == [{"ka": first, "en": twin}] * 2
        payload = ProductPayload(
            shop="main",
            nature=item_traits(item()),
            desired=DesiredProduct(sku="TEA-100", regular_price=Decimal(9)),
            digest="d",
        )
        placed = place_item(payload, found["TEA-100"], None, SHOP)
        assert isinstance(placed, ProductChange)
        assert (placed.write.id, placed.write.regular_price) == (first, Decimal(9))
        [further] = placed.further
        assert (further.write.id, further.write.regular_price) == (twin, Decimal(9))
        assert {"name", "sku", "category_ids"}.isdisjoint(further.write.to_fields())


@pytest.mark.parametrize("reason", [Reason.PRODUCT_SKU_AMBIGUOUS])
async def test_a_new_second_product_of_the_sku_does_not_disturb_the_link(reason: Reason) -> None:
    payload = ProductPayload(
        shop="main", nature=item_traits(CUP), desired=DesiredProduct(sku="CUP"), digest="d", link=tie()
    )
    assert isinstance(place_item(payload, [product(), product(612)], product(), SHOP), ProductChange)
    unlinked = payload.model_copy(update={"link": None})
    refused = place_item(unlinked, [product(), product(612)], None, SHOP)
    assert isinstance(refused, Skip)
    assert refused.reason == reason
