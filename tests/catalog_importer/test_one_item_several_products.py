"""Several products of a shop could be one item: an ambiguous match is refused by name, translations are one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contracts.catalog import FurtherProduct, ProductLinked
from services.accounting.catalogue.eligibility import Skip, item_traits
from services.catalog_importer.placement import ProductChange, place_item
from services.catalog_importer.product import DesiredProduct, ProductPayload
from services.cli.links.rebuild import rebuild_links
from services.cli.links.table import LinkLine
from services.cli.links.verdicts import LinkVerdict, judge_lines
from services.connectors.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import TOYS, item, world
from tests.catalog_importer.shop_products import CUP, OTHERS, OURS, SHOP, UNKNOWN, ListedProducts, cup, known, tie

TRANSLATED = {"ka": 311, "en": 612}


COPY = cup(612, status="draft", name="Cup (Copy)", sku="CUP-1", meta=OURS)
"""What "Duplicate" makes of a product: a draft of another SKU, with the custom fields of the first."""
KA, EN = cup(language="ka", translations=TRANSLATED), cup(612, language="en", translations=TRANSLATED)

# what the shop holds → the ids that become the item's products, or those that are named in the refusal
CASES: dict[str, tuple[tuple[Product, ...], Sequence[int], Sequence[int]]] = {
    "one product": ((cup(),), [311], []),
    "SKU in other letter case": ((cup(sku="cup"),), [311], []),
    "SKU with blanks around it": ((cup(sku="CUP "),), [311], []),
    "two products with one SKU": ((cup(), cup(612)), [], [311, 612]),
    "two products whose SKUs differ in letter case": ((cup(), cup(612, sku="cup")), [], [311, 612]),
    "three products with one SKU": ((cup(), cup(612), cup(700)), [], [311, 612, 700]),
    "one published and one draft with one SKU": ((cup(), cup(612, status="draft")), [], [311, 612]),
    "copy that took the uid and the SKU": ((cup(meta=OURS), cup(612, meta=OURS)), [], [311, 612]),
    "variable product beside its variation": (
        (cup(type="variable"), cup(612, type="variation", parent_id=311)), [], [311, 612],
    ),
    "variations that show the SKU of their parent": (
        (cup(type="variable"), *(cup(n, type="variation", parent_id=311) for n in (612, 613))), [], [311, 612],
    ),
    "variable product and variation with the uid": (
        (cup(type="variable", meta=OURS), cup(612, type="variation", parent_id=311, meta=OURS)), [], [311, 612],
    ),
    "variable product alone": ((cup(type="variable"),), [], [311]),
    "variation alone": ((cup(type="variation", parent_id=300),), [311], []),
    "the uid decides between two of one SKU": ((cup(), cup(612, meta=OURS)), [612], []),
    "duplicate in the trash": ((cup(), cup(612, status="trash")), [311], []),
    "duplicate in the trash with the uid": ((cup(meta=OURS), cup(612, status="trash", meta=OURS)), [311], []),
    "only in the trash": ((cup(status="trash"),), [], [311]),
    "ours in the trash, another with its SKU": ((cup(status="trash", meta=OURS), cup(612)), [], [311]),
    "uid of another item": ((cup(meta=OTHERS),), [], [311]),
    "uid of an item that nobody knows": ((cup(meta=UNKNOWN),), [], [311]),
    "translations": ((KA, EN), [311, 612], []),
    "translations that carry the uid": ((replace(KA, meta=OURS), replace(EN, meta=OURS)), [311, 612], []),
    "translations and a copy": ((KA, EN, cup(700)), [], [311, 612, 700]),
    "two languages, no translations of each other": (
        (replace(KA, translations={"ka": 311}), replace(EN, translations={"en": 612})), [], [311, 612],
    ),
    "translation of only one side": ((KA, replace(EN, translations={})), [], [311, 612]),
    "a product that names a translation in its own language": ((KA, replace(EN, language="ka")), [], [311, 612]),
    "translation that belongs to another item": ((KA, replace(EN, meta=OTHERS)), [], [612]),
}  # fmt: skip


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
    shop = ListedProducts(found)
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
    shop = ListedProducts([cup(meta=OURS), COPY, cup(400, sku="MUG", meta=OTHERS)])
    verdicts = await rebuild_links(shop, known(CUP, item("mug-1", sku="MUG")))
    assert asked(verdicts)[0] == [400]
    [refused] = [one for one in verdicts if one.refused]
    assert refused.line.item == "cup-1"
    assert "#311 (_balance_uid cup-1), #612 (SKU CUP-1, _balance_uid cup-1)" in refused.why


async def test_a_renamed_product_with_the_uid_and_another_one_with_the_sku_are_both_named() -> None:
    shop = ListedProducts([cup(311, sku="CUP-OLD", meta=OURS), cup(612)])
    [refused] = await rebuild_links(shop, known())
    assert (refused.link, "#311" in refused.why, "#612" in refused.why) == (None, True, True)


async def test_a_renamed_product_with_the_uid_is_found() -> None:
    assert asked(await rebuild_links(ListedProducts([cup(sku="CUP-OLD", meta=OURS)]), known()))[0] == [311]


async def test_two_items_with_one_sku_are_refused_unless_no_rule_lets_the_other_in() -> None:
    shop, twin = ListedProducts([cup()]), item("cup-2", sku="cup")
    both = await rebuild_links(shop, known(CUP, twin, rules=True))
    assert [(one.line.item, one.link) for one in both] == [("cup-1", None), ("cup-2", None)]
    assert "item cup-2" in both[0].why
    retired = twin.model_copy(update={"group": TOYS, "path": ()})
    [one] = await rebuild_links(shop, known(CUP, retired, rules=True))
    assert (one.line.item, one.link and one.link.product_id) == ("cup-1", 311)


async def test_an_item_that_no_rule_lets_in_is_found_by_its_uid_but_not_by_sku() -> None:
    shut = CUP.model_copy(update={"group": TOYS, "path": ()})
    assert await rebuild_links(ListedProducts([cup()]), known(shut, rules=True)) == []
    assert asked(await rebuild_links(ListedProducts([cup(meta=OURS)]), known(shut, rules=True)))[0] == [311]


async def test_two_lines_of_a_table_cannot_name_one_product() -> None:
    lines = [LinkLine(1, "cup-1", "CUP"), LinkLine(2, "mug-1", "CUP")]
    verdicts = await judge_lines(lines, known(CUP, item("mug-1")), ListedProducts([cup()]))
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
    verdicts = await rebuild_links(ListedProducts([KA, EN]), known(tied=tied))
    assert [(one.link.product_id, one.link.further) for one in verdicts if one.link] == expected


async def test_a_link_with_all_its_translations_asks_for_nothing() -> None:
    held = tie(further=(FurtherProduct(product_id=612, sku="CUP"),))
    assert await rebuild_links(ListedProducts([KA, EN]), known(tied=[held])) == []
