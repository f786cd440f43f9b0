"""Settings learned from a Sale that an accountant made by hand: proposed as TOML, with what they differ in."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from services.cli.learn_sale import LearnedSetting, learn_settings, settings_to_toml
from services.connectors.balance.fields import RowInvalid
from tests.support.exporting import RETAIL, SHOP, WAREHOUSE, settings

UID = "5b0c63a7-2f1d-5e0a-8f0c-7d3d9b1e4591"
OTHER = "11111111-0000-4000-8000-0000000000ff"


def made(**header: Any) -> dict[str, Any]:
    """A Sale as Balance gives it: 18 % on tea, no VAT on a book."""
    lines = [
        {
            "Item": "i1",
            "Quantity": "2",
            "Amount": "23,60",
            "VAT": "3,60",
            "VATRate": "ჩვეულ",
            "IncomeAccount": "6110.05",
        },
        {
            "Item": "i2",
            "Quantity": "1",
            "Amount": "9.00",
            "VAT": "0",
            "VATRate": "ნულოვანი",
            "IncomeAccount": "6110.05",
        },
    ]
    known = {"uid": UID, "Warehouse": OTHER, "Client": RETAIL, "OperationType": "მიწოდება კომფენსაციით"}
    return known | {"ReceivablesAccount": "1410.01", "Department": "ონლაინ", "Branch": "", "Items": lines} | header


def by_key(found: list[LearnedSetting]) -> dict[str, LearnedSetting]:
    return {f"{one.table}.{one.key}": one for one in found}


def test_each_filled_field_is_a_setting_and_differences_are_listed() -> None:
    found = by_key(learn_settings(made(), settings(), SHOP))
    assert {key: (one.found, one.now) for key, one in found.items() if one.differs} == {
        "balance.dialect.lists.sale-operation": ("მიწოდება კომფენსაციით", "მიწოდება კომპენსაციით"),
        "balance.template.department": ("ონლაინ", None),
        "balance.template.revenue-account": ("6110.05", "6110"),
        "shops.main.orders.warehouse": (OTHER, WAREHOUSE),
        "shops.main.orders.vat-rates.18": ("ჩვეულ", "ჩვეულებრივი"),
    }
    assert "balance.template.branch" not in found
    assert found["shops.main.orders.retail-client"].remark == "only if this Sale is to an unknown retail buyer"


def test_pasted_settings_agree_with_the_sale() -> None:
    proposed = tomllib.loads(settings_to_toml(learn_settings(made(), settings(), SHOP)))
    assert proposed["balance"]["dialect"]["lists"] == {"sale-operation": "მიწოდება კომფენსაციით"}
    orders = proposed["shops"][SHOP]["orders"]
    assert (orders["warehouse"], orders["vat-rates"]) == (OTHER, {"18": "ჩვეულ", "0": "ნულოვანი"})
    balance = {"dialect": proposed["balance"]["dialect"], "template": proposed["balance"]["template"]}
    pasted = settings(balance=balance, warehouse=OTHER, vat_rates=orders["vat-rates"])
    assert [one.key for one in learn_settings(made(), pasted, SHOP) if one.differs] == []


@pytest.mark.parametrize(
    ("line", "rates"),
    [
        ({"Amount": "118.00", "VAT": "18.00", "VATRate": "r"}, {"18": "r"}),
        ({"Amount": "0.05", "VAT": "0.01", "VATRate": "r"}, {}),
        ({"Amount": "118.00", "VAT": "17.00", "VATRate": "r"}, {}),
        ({"Amount": "118.00", "VATRate": "r"}, {}),
    ],
    ids=["18 %", "too small to determine", "no known rate", "VAT not stated"],
)
def test_a_vat_rate_is_recognized_by_its_vat(line: dict[str, str], rates: dict[str, str]) -> None:
    found = learn_settings(made(Items=[{"Item": "i1", "Quantity": "1", **line}]), settings(), SHOP)
    assert {one.key: one.found for one in found if one.table.endswith("vat-rates")} == rates


def test_renamed_fields_are_read() -> None:
    using = settings(balance={"dialect": {"field_names": {"Department": "Division"}}})
    row = {name: value for name, value in made(Division="Batumi").items() if name != "Department"}
    assert by_key(learn_settings(row, using, SHOP))["balance.template.department"].found == "Batumi"


def test_an_unreadable_sale_is_reported() -> None:
    with pytest.raises(RowInvalid, match="Amount"):
        learn_settings(made(Items=[{"Item": "i1", "Quantity": "1", "Amount": "many"}]), settings(), SHOP)
