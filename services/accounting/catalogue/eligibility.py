"""Which Balance items may become products of a shop. Deny by default: an item needs a rule that allows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html import unescape

from contracts.balance import ItemChanged, ItemKind
from contracts.model import Part, Uid
from contracts.reasons import Reason
from services.accounting.mapping import decide_group
from services.settings.catalogue import CatalogueSettings


@dataclass(frozen=True, slots=True)
class Eligible:
    """The item may become a product, in these WooCommerce categories, under this SKU."""

    category_ids: tuple[int, ...]
    sku: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The item is skipped; `detail` describes why, and what has to change."""

    reason: Reason
    detail: str


class ItemTraits(Part):
    """The fields of an item that decide whether it may become a product; `groups` lead from its folder to the root."""

    item: Uid
    kind: ItemKind
    item_type: str | None
    sku: str | None
    groups: tuple[Uid, ...]
    requisites: tuple[str | None, str | None, str | None] = (None, None, None)

    def requisite(self, number: str) -> str:
        """Return an additional requisite without surrounding blanks; empty if it is not filled."""
        return (self.requisites[int(number) - 1] or "").strip()


def item_traits(item: ItemChanged) -> ItemTraits:
    """Return the fields of an item that the rules depend on."""
    path = [group.uid for group in reversed(item.path)]
    groups = tuple(dict.fromkeys([item.group, *path] if item.group else path))
    return ItemTraits(
        item=item.item,
        kind=item.kind,
        item_type=item.item_type,
        sku=_trimmed(item.sku),
        groups=groups,
        requisites=item.requisites,
    )


def _trimmed(sku: str | None) -> str | None:
    return (sku or "").strip() or None


def same_sku(sku: str | None) -> str:
    """Return a SKU as the shop compares it: without surrounding blanks and letter case (WooCommerce fact 18)."""
    return (sku or "").strip().casefold()


def check_eligibility(item: ItemTraits, rules: CatalogueSettings) -> Eligible | Skip:
    """Return whether the rules allow an item to become a product.

    Claims S0.3, S0.4, S0.5, S0.40, S0.42, S1.14 and S3.1.
    """
    categories = _categories(item, rules)
    if isinstance(categories, Skip):
        return categories
    skip = _check_kind(item, rules) or _check_sold_if(item, rules) or _check_sku(item.sku, rules)
    return skip or Eligible(categories, item.sku or "")


def _check_sold_if(item: ItemTraits, rules: CatalogueSettings) -> Skip | None:
    """An additional requisite, e.g. "sell online", may exclude an item from the shop (claim S3.1)."""
    for number, values in rules.sold_if.items():
        if item.requisite(number).casefold() not in {value.casefold() for value in values}:
            detail = f"additional requisite {number} is {item.requisite(number)!r}; catalogue.sold-if needs {values}"
            return Skip(Reason.PRODUCT_NOT_FOR_SALE, detail)
    return None


def _categories(item: ItemTraits, rules: CatalogueSettings) -> tuple[int, ...] | Skip:
    found = decide_group(item.groups, rules)
    if found.excluded:
        detail = f"group {found.by} is excluded; davtari mapping include {found.by} includes it"
        return Skip(Reason.PRODUCT_GROUP_EXCLUDED, detail)
    if found.category_ids:
        return _by_requisite(item, rules) or found.category_ids
    if not item.groups:
        return Skip(Reason.PRODUCT_GROUP_NOT_MAPPED, "the item is in no group; move it into one in Balance")
    group = item.groups[0]
    fix = f"davtari mapping set {group} CATEGORY maps it, davtari plan groups lists all groups"
    return Skip(Reason.PRODUCT_GROUP_NOT_MAPPED, f"group {group} is not mapped to a category; {fix}")


def _by_requisite(item: ItemTraits, rules: CatalogueSettings) -> tuple[int, ...] | Skip | None:
    """The categories that an additional requisite names (claim S4.25); only for items of mapped groups."""
    value = item.requisite(rules.category_requisite) if rules.category_requisite else ""
    if not value:
        return None
    if value in rules.categories:
        return rules.categories[value]
    detail = f"additional requisite {rules.category_requisite} is {value!r}, which catalogue.categories does not map"
    return Skip(Reason.PRODUCT_GROUP_NOT_MAPPED, detail)


def _check_kind(item: ItemTraits, rules: CatalogueSettings) -> Skip | None:
    if item.kind == "goods" or (item.kind == "service" and rules.allow_services):
        return None
    fix = "set catalogue.allow-services to sell it" if item.kind == "service" else "give it the item type of goods"
    return Skip(Reason.PRODUCT_NOT_GOODS, f"the item is not goods (type {item.item_type!r}, {item.kind}); {fix}")


def _check_sku(sku: str | None, rules: CatalogueSettings) -> Skip | None:
    if sku is None:
        return Skip(Reason.PRODUCT_NO_SKU, "the item has no SKU; fill the field that balance.dialect.sku-field names")
    if pattern := first_match(sku, rules.sku_deny):
        return Skip(Reason.PRODUCT_SKU_NOT_ALLOWED, f"SKU {sku} matches {pattern!r} of catalogue.sku-deny")
    if rules.sku_allow and not first_match(sku, rules.sku_allow):
        return Skip(Reason.PRODUCT_SKU_NOT_ALLOWED, f"SKU {sku} matches no pattern of catalogue.sku-allow")
    return None


def first_match(sku: str, patterns: Iterable[str]) -> str | None:
    """Return the first glob pattern that a SKU matches, without letter case."""
    return next((pattern for pattern in patterns if fnmatchcase(sku.casefold(), pattern.casefold())), None)


def find_sku_conflict(item: ItemTraits, sharers: Iterable[ItemChanged], rules: CatalogueSettings) -> Skip | None:
    """Return a skip if another eligible item has the same SKU: then both are skipped.

    Items that are not eligible do not count: an old item in an unmapped group blocks no other.
    """
    for other in sharers:
        if other.item != item.item and isinstance(check_eligibility(item_traits(other), rules), Eligible):
            detail = f"item {other.item} ({other.name}) has SKU {item.sku} too; give one of them another SKU"
            return Skip(Reason.PRODUCT_SKU_USED_TWICE, detail)
    return None


def item_sku_ref(item: ItemChanged | None) -> str:
    """Return the reference of an item's SKU, by which items with the same SKU are found; empty without a SKU."""
    return same_sku(item.sku) if item else ""


def normalize_name(text: str | None) -> str | None:
    """Return a name as it is compared: the shop stores `&` as `&amp;` (WooCommerce fact 13)."""
    return " ".join(unescape(text).split()) or None if text else None
