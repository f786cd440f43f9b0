"""The sync matrix follows the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.sync_matrix import TO_BALANCE, TO_SHOP, MatrixRow, build_matrix
from services.settings import load

SETTINGS = """
[balance]
application-id = "1234"
user-name = "integration"
password-file = "secrets/balance"
[balance.dialect]
credit-notes = "cumulative"

[shops.main]
url = "https://shop.example.test"
key-file = "secrets/key"
secret-file = "secrets/secret"
[shops.main.flows]
catalogue = "live"
stock = "off"
[shops.main.catalogue.groups]
"5b0c5b0c-0000-4000-8000-000000000001" = 17
[shops.main.fields]
regular-price = "if-unchanged"
[shops.main.prices]
sale-type = "a3539cd8-767f-56d3-b132-66898f19505d"
[shops.main.stock]
policy = "aggregate"
warehouses = ["Main", "Vake"]
buffer = "2"
[shops.main.orders]
trigger = { default = ["completed"], cod = ["shipped"] }

[shops.main.refunds]
policy = "manual"
[shops.main.notes]
mode = "live"
since = 2026-11-21
credit-note = "customer"
[shops.main.statuses]
mode = "dry-run"
since = 2026-11-21
posted = { processing = "completed" }

[shops.second]
url = "https://second.example.test"
key-file = "secrets/key"
secret-file = "secrets/secret"

[schedule]
stock = "*/7 * * * *"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "davtari.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def row(written: Path, what: str, shop: str = "main") -> MatrixRow:
    (found,) = [each for each in build_matrix(load(written, environ={})) if (each.shop, each.what) == (shop, what)]
    return found


@pytest.mark.claim("S1.19")
def test_each_row_follows_the_settings(written: Path) -> None:
    products, price, stock = (row(written, what) for what in ("products", "regular price", "stock"))
    assert (products.direction, products.mode, "1 mapped groups" in products.rule) == (TO_SHOP, "live", True)
    assert (price.mode, price.owner, "changed in the shop" in price.rule) == ("dry-run", "shop", True)
    assert (stock.mode, stock.trigger) == ("off", "cron */7 * * * *, and with each order")
    assert "− 2" in stock.rule
    assert "aggregate of Main, Vake" in stock.rule
    orders, refunds = row(written, "orders"), row(written, "refunds")
    assert (orders.direction, orders.mode) == (TO_BALANCE, "dry-run")
    assert "default: completed; cod: shipped" in orders.trigger
    assert "entered by hand" in refunds.rule
    notes, status = row(written, "order notes"), row(written, "order status")
    assert (notes.direction, notes.mode, notes.rule) == (TO_SHOP, "live", "sale: private, credit note: customer")
    assert (status.mode, status.rule) == ("dry-run", "posted: processing → completed; never backwards")


@pytest.mark.claim("S1.19")
def test_a_shop_without_settings_synchronises_nothing(written: Path) -> None:
    assert "no group is mapped" in row(written, "products", "second").rule
    assert "one per order, rewritten" in row(written, "refunds", "second").rule
    assert (row(written, "order notes", "second").mode, row(written, "order status", "second").mode) == ("off", "off")
    assert "no policy is set" in row(written, "stock", "second").rule
    whats = [each.what for each in build_matrix(load(written, environ={})) if each.shop == "second"]
    assert "sale price, with its window" not in whats


@pytest.mark.claim("S1.19")
def test_text_markdown_and_json_agree(written: Path) -> None:
    def run(*options: str) -> str:
        ran = CliRunner().invoke(app, ["--settings", str(written), "sync-matrix", *options])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    data = json.loads(run("--json"))
    expected = build_matrix(load(written, environ={}))
    assert [one["what"] for one in data] == [each.what for each in expected]
    lines = run("--markdown").strip().splitlines()
    assert len(lines) == len(expected) + 2
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    text = run()
    assert all(each.what in text and each.rule in text for each in expected)
