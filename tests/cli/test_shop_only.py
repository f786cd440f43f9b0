"""Products that only the shop has: listed with what prevents linking them, never proposed as anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.catalog import ProductUnlinked
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.cli.app import app
from services.cli.plans.shop_only import (
    SHOP_ONLY_HEADINGS,
    find_shop_only,
    linked_products,
    show_shop_only,
    write_shop_only_csv,
)
from tests.catalog_importer.shop_products import LISTED_TEA
from tests.cli.sample_catalogue import known, linked
from tests.cli.shop_only_products import BARE, BEAR, GIFT, PARENT, list_products
from tests.support.memory_state import NOON


def wrap_events(*events: Event) -> list[Envelope[Event]]:
    return [wrap(event, version=n, source="t", time=NOON) for n, event in enumerate(events, 1)]


OURS = replace(LISTED_TEA, id=7, sku="TEA-100")


@pytest.mark.claim("S3.6", "S2.14")
async def test_what_is_not_linked_is_listed_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    linked_ids = linked_products("main", wrap_events(linked("tea-100")))
    found = await find_shop_only(known(), linked_ids, list_products(GIFT, BEAR, BARE, PARENT, OURS))
    assert [(one.product_id, one.price) for one in found] == [(1, "5.00"), (2, "14.75"), (3, "")]
    assert [one.why.partition(";")[0] for one in found] == [
        "Balance has no item with this SKU",
        "item bear-1 has this SKU, but is not sold: group group-toys is not mapped to a category",
        "it has no SKU",
    ]
    show_shop_only("main", found)
    assert "=Gift [card]" in capsys.readouterr().out


def test_an_unlinked_product_is_listed() -> None:
    cut = ProductUnlinked(shop="main", item="tea-100", product_id=7, reason="gone", unlinked_at=NOON)
    assert 7 in linked_products("main", wrap_events(linked("tea-100")))
    assert 7 not in linked_products("main", wrap_events(linked("tea-100"), cut))
    assert 7 not in linked_products("outlet", wrap_events(linked("tea-100")))


@pytest.mark.claim("S2.14")
async def test_the_list_for_the_accountant_has_no_formula(tmp_path: Path) -> None:
    write_shop_only_csv(await find_shop_only(known(), frozenset(), list_products(GIFT)), tmp_path / "list.csv")
    head, line = (tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()
    assert head == ",".join(SHOP_ONLY_HEADINGS)
    assert line.startswith("1,GIFT-1,'=Gift [card],publish,5.00,")


@pytest.mark.claim("S2.25")
def test_all_manual_actions_are_in_one_panel() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    panel = output.partition("Manual actions")[2].partition("╰")[0]
    assert all(f"│ {name} " in panel for name in ("import", "push", "apply", "mapping", "dead-letters"))
    assert "│ status " not in panel
