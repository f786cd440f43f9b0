"""The WordPress companion, run by PHP against a fake WordPress and WooCommerce (wordpress.php, woocommerce.php)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.wordpress.conftest import Php

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "ops/wordpress/davtari-checkout"
SOURCES = [PLUGIN / name for name in ("davtari-checkout.php", "class-field.php", "uninstall.php")]
GEORGIAN = PLUGIN / "languages/davtari-checkout-ka_GE.l10n.php"
CHECKS = sorted((HERE / "checks").glob("*.php"))


@pytest.mark.parametrize("source", [*SOURCES, GEORGIAN], ids=lambda path: path.name)
def test_php_accepts_the_file(php: Php, source: Path) -> None:
    assert php("-l", source).returncode == 0


@pytest.mark.claim("S0.14")
@pytest.mark.parametrize("check", CHECKS, ids=lambda path: path.stem)
def test_in_a_shop(php: Php, check: Path) -> None:
    ran = php(check)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("ok: ")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_file_that_is_asked_for_directly_does_nothing(php: Php, source: Path) -> None:
    ran = php(source)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_every_text_is_there_in_georgian() -> None:
    used = {text for path in SOURCES for text in re.findall(r"__\( '(.+?)', 'davtari-checkout' \)", path.read_text())}
    translated = dict(re.findall(r"'(.+?)' => '(.+?)',\n", GEORGIAN.read_text().partition("'messages'")[2]))
    assert len(used) > 5
    assert translated.keys() == used
    assert all(re.search("[ა-ჰ]", text) for text in translated.values())


def test_orders_are_touched_through_their_own_methods_only() -> None:
    """Claim S0.14 needs both order storages: nothing reads or writes posts, their meta or the database."""
    sources = "".join(path.read_text() for path in SOURCES)
    assert not re.findall(r"\b(?:get|add|update|delete)_(?:post|user)_meta|\bwpdb\b|\$_(?:POST|GET|REQUEST)\b", sources)
