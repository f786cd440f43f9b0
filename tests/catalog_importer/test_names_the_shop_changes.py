"""A name that WordPress stores in another form is a warning on a linked product, never an unlinked draft."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts.catalog import StoredOtherwise
from contracts.reasons import Reason
from services.catalog_importer.deliveries import ProductDeliveries
from services.cli.drift import compare_product
from services.connectors.woocommerce.batch import Stored
from services.engine.outbox.outcome import Refused
from services.sandbox.woocommerce import product, values
from services.settings.model import Settings
from tests.catalog_importer.catalogue_bench import item, links, price, priced, settings, world
from tests.support.memory_state import NOON

PRICED = priced("tea-100", price("14.75"))
OURS: Settings = settings(fields={"name": "if-unchanged"})
Form = Callable[[str], str]


def shortened(name: str) -> str:
    return name[:200]


# name in Balance → what WordPress makes of it → whether that is worth a warning
NAMES: dict[str, tuple[str, Form, bool]] = {
    "a plain name": ("Black tea", values.clean_name, False),
    "an ampersand": ("Tea & honey", values.clean_name, False),
    "entities for quotes": ('Tea "A"', lambda name: name.replace('"', "&quot;"), False),
    "two blanks in a row": ("Black  tea", lambda name: " ".join(name.split()), False),
    "blanks at the end": ("Black tea  ", str.strip, False),
    "a character the database rejects, as an entity": ("Tea 🍵", lambda name: name.replace("🍵", "&#x1f375;"), False),
    "a character the database rejects, removed": ("Tea 🍵", lambda name: name.replace("🍵", "").strip(), True),
    "a character the database rejects, as a question mark": ("Tea 🍵", lambda name: name.replace("🍵", "?"), True),
    "a backslash": ("Box 1\\2", lambda name: name.replace("\\", ""), True),
    "markup": ("Tea <script>x</script>", values.clean_name, True),
    "a comparison sign taken for markup": ("Tea <5 g", lambda name: name.partition("<")[0].strip(), True),
    "more characters than fit": ("ჩაი " * 80, shortened, True),
    "a name that is only markup": ("<b></b>", values.clean_name, True),
    "quotation marks made typographic": ('Tea "A"', lambda name: name.replace('"', "“", 1).replace('"', "”"), True),
}  # fmt: skip


@pytest.mark.claim("K22")
@pytest.mark.parametrize(("name", "form", "warns"), NAMES.values(), ids=NAMES.keys())
async def test_the_product_is_linked_and_the_form_of_its_name_is_a_warning(
    name: str, form: Form, warns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "clean_name", form)
    async with world(OURS) as shop:
        [link] = links(await shop.take(item(name=name), PRICED))
        assert not [one for one in shop.outcomes if isinstance(one, Refused)]
        assert [one.field for one in link.stored_otherwise] == (["name"] if warns else [])
        held = await shop.client.product(link.product_id)
        assert held is not None
        # it is no edit by hand: drift says that the shop stores it so, and a new name in Balance reaches the shop
        assert [one.by_shop for one in compare_product(link, held, None, OURS.shops["main"])] == [True] * warns
        shop.faults.journal.clear()
        assert await shop.take(item(name=name)) == []
        assert shop.writes() == []
        monkeypatch.setattr(values, "clean_name", lambda text: text)
        [renamed] = links(await shop.take(item(name="Green tea")))
        assert (shop.held(link.product_id)["name"], renamed.stored_otherwise) == ("Green tea", ())


async def test_a_warning_stays_while_the_name_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "clean_name", shortened)
    async with world() as shop:
        long = "Tea " * 60
        await shop.take(item(name=long), PRICED)
        [link] = links(await shop.take(priced("tea-100", price("15"))))
        assert link.stored_otherwise == (
            StoredOtherwise(field="name", sent=long.strip(), stored=shortened(long.strip())),
        )


async def test_a_uid_that_a_protection_does_not_store_is_a_warning_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "write_meta", lambda *_: None)
    async with world() as shop:
        [link] = links(await shop.take(item(), PRICED))
        assert [one.field for one in link.stored_otherwise] == ["meta._balance_uid"]


class Coerced:
    """A shop that stores one field otherwise than it was sent."""

    def __init__(self, client: object, **stored: object) -> None:
        self.client, self.stored = client, stored

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    async def create_products(self, writes: object) -> list[object]:
        made = await self.client.create_products(writes)  # type: ignore[attr-defined]
        return [Stored(one.id, one.json | self.stored) for one in made]


@pytest.mark.parametrize(
    ("stored", "field"),
    [
        ({"regular_price": "1475"}, "regular_price"),
        ({"regular_price": ""}, "regular_price"),
        ({"sku": "TEA-100-2"}, "sku"),
        ({"status": "publish"}, "status"),
        ({"categories": [{"id": 15}]}, "category_ids"),
        ({"manage_stock": False}, "manage_stock"),
    ],
)
async def test_what_decides_about_sales_is_never_only_a_warning(stored: dict[str, object], field: str) -> None:
    async with world() as shop:
        shop.deliver = ProductDeliveries(settings().shops["main"], Coerced(shop.client, **stored), lambda: NOON)  # type: ignore[arg-type]
        assert links(await shop.take(item(), PRICED)) == []
        [refused] = [one for one in shop.outcomes if isinstance(one, Refused)]
        assert refused.reason == Reason.SHOP_ECHO_DIFFERS
        assert field in refused.detail


async def test_a_weight_that_the_shop_rounds_is_a_warning() -> None:
    async with world() as shop:
        shop.deliver = ProductDeliveries(settings().shops["main"], Coerced(shop.client, weight="0.1"), lambda: NOON)  # type: ignore[arg-type]
        [link] = links(await shop.take(item(weight="0.125"), PRICED))
        assert [(one.field, one.stored) for one in link.stored_otherwise] == [("weight", "0.1")]
        assert link.written is not None
        assert f"{link.written.weight}" == "0.1"
