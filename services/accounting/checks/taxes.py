"""Every tax class and rate of a shop, and whether the settings say which VAT rate of Balance it is (S2.18, S3.52)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.accounting.checks.findings import Finding, describe_left_out
from services.accounting.documents.figures import number
from services.accounting.documents.vat import STANDARD, UNTAXED, is_reviewed, is_zero_meant
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.store import ShopTaxRate, TaxSettings
from services.settings.model import Settings
from services.settings.orders import OrderSettings

FLOWS = ("orders", "refunds")
INHERIT = "inherit"
MENU = "WooCommerce → Settings → Tax"


@dataclass(frozen=True, slots=True)
class Taxes:
    """How a shop taxes: its settings, rates and classes, beside what our settings say of them."""

    shop: str
    tax_settings: TaxSettings
    rates: Sequence[ShopTaxRate]
    classes: Sequence[str]
    rules: OrderSettings
    unreadable: Sequence[UnreadableRecord] = ()

    def entry(self, rate: ShopTaxRate) -> str | None:
        """The VAT rate of Balance for a rate of the shop: that of its class alone goes first."""
        percent, of_class = number(rate.percent), rate.tax_class or STANDARD
        return self.rules.vat_rates.get(f"{of_class}:{percent}") or self.rules.vat_rates.get(percent)

    def key(self, setting: str) -> str:
        """The key of a setting of the orders flow."""
        return f"shops.{self.shop}.orders.{setting}"


async def read_taxes(client: WooCommerce, settings: Settings, name: str) -> Taxes:
    """All that the shop says about its taxes. Raises `UpstreamError`."""
    tax_settings, rates = await client.tax_settings(), await client.tax_rates()
    classes, rules = await client.tax_classes(), settings.shops[name].orders
    return Taxes(name, tax_settings, rates.records, classes, rules, rates.unreadable)


async def summarize_taxes(client: WooCommerce, settings: Settings, name: str) -> list[Finding]:
    """What `davtari check` says of taxes: one line for the rates, and whatever is wrong or should be known."""
    taxes = await read_taxes(client, settings, name)
    unmapped = ", ".join(sorted({number(rate.percent) for rate in taxes.rates if not taxes.entry(rate)}))
    included = "prices include tax" if taxes.tax_settings.prices_include_tax else "prices without tax"
    message = f"{', '.join(sorted({number(rate.percent) for rate in taxes.rates})) or 'no'} % · {included}"
    fix = f"say which VAT rate of Balance {unmapped} % is: {taxes.key('vat-rates')}; davtari check taxes lists all"
    found = Finding("tax rates", not unmapped, message, fix if unmapped else "", FLOWS)
    zeros = [_rate(rate, taxes) for rate in taxes.rates if not rate.percent]
    others = (*_entered(taxes), *_classes(taxes), *zeros, *describe_left_out("tax rates", taxes.unreadable, MENU))
    return [found, *(one for one in others if one.ok is not True)]


def list_taxes(taxes: Taxes) -> list[Finding]:
    """Each rate, class and charge, one by one: what it is in Balance, or which setting says so."""
    rates = [_rate(rate, taxes) for rate in taxes.rates]
    unread = describe_left_out("tax rates", taxes.unreadable, MENU)
    return [*_entered(taxes), *rates, *unread, *_classes(taxes), *_charges(taxes), _untaxed(taxes)]


def _entered(taxes: Taxes) -> Iterator[Finding]:
    if taxes.tax_settings.prices_include_tax:
        yield Finding("prices", True, "entered with tax")
        return
    message = "entered without tax: Sales hold the totals that WooCommerce computes, but what buyers see may be rounded"
    yield Finding("prices", None, message, f"{MENU} → Prices entered with tax: Yes, as Balance's price types are")


def _rate(rate: ShopTaxRate, taxes: Taxes) -> Finding:
    percent, of_class = number(rate.percent), rate.tax_class or STANDARD
    what = f"rate {rate.id} {rate.name} {percent} %, class {of_class}, {rate.country or 'every country'}"
    what += ", shipping too" if rate.shipping else ""
    if rate.compound:
        return Finding(
            what, False, "is compound, which Balance cannot hold", f"{MENU}: make it a rate of its own", FLOWS
        )
    if not rate.percent and not is_zero_meant(of_class, taxes.rules):
        message = "is 0 % in a class of goods that bear VAT: orders with it wait for a person"
        fix = f'correct the rate, or say that it is meant: {taxes.key("vat-rates")} = {{ "{of_class}:0" = "…" }}'
        return Finding(what, None, message, fix)
    found = taxes.entry(rate)
    fix = "" if found else f'say which VAT rate of Balance it is: {taxes.key("vat-rates")} = {{ "{percent}" = "…" }}'
    return Finding(what, bool(found), f"is {found}" if found else "is no VAT rate of Balance yet", fix, FLOWS)


def _classes(taxes: Taxes) -> Iterator[Finding]:
    """New classes stop orders; a class without a rate is sold untaxed, which somebody should know."""
    rated = {rate.tax_class or STANDARD for rate in taxes.rates}
    for name in taxes.classes:
        if not is_reviewed(name, taxes.rules):
            fix = f"look at its rates, then add it to {taxes.key('tax-classes')}"
            yield Finding(f"tax class {name}", False, "is new: orders with it wait for a person", fix, FLOWS)
        elif name not in rated and name in _meant(taxes):
            yield Finding(
                f"tax class {name}", None, "has no rate: what has it is sold untaxed", f"{MENU} → {name} rates"
            )


def _meant(taxes: Taxes) -> set[str]:
    """Classes in use: WooCommerce makes `reduced-rate` and `zero-rate` in every shop, used or not."""
    made = {"reduced-rate", "zero-rate"}
    return {name for name in taxes.classes if name not in made} | {taxes.tax_settings.shipping_class}


def _charges(taxes: Taxes) -> Iterator[Finding]:
    chosen = taxes.tax_settings.shipping_class
    message = "as the goods of the order" if chosen == INHERIT else f"as class {chosen or STANDARD}"
    taxed = [rate for rate in taxes.rates if rate.shipping and (chosen == INHERIT or _same(rate, chosen))]
    yield _charge("shipping", message, taxed, taxes.rules.shipping_item, taxes)
    yield _charge(
        "fees",
        "as the class of each fee; negative ones as the goods; those that are not taxable are untaxed",
        taxes.rates,
        taxes.rules.fee_item,
        taxes,
    )


def _same(rate: ShopTaxRate, tax_class: str) -> bool:
    return (rate.tax_class or STANDARD) == (tax_class or STANDARD)


def _charge(what: str, message: str, rates: Iterable[ShopTaxRate], item: str | None, taxes: Taxes) -> Finding:
    open_ = sorted({number(rate.percent) for rate in rates if not taxes.entry(rate)})
    setting = "shipping-item" if what == "shipping" else "fee-item"
    if open_:
        fix = f"say what {', '.join(open_)} % is in Balance: {taxes.key('vat-rates')}"
        return Finding(what, False, f"taxed {message}", fix, FLOWS)
    fix = "" if item else f"orders with {what} wait for a person until {taxes.key(setting)} names a service of Balance"
    return Finding(what, True if item else None, f"taxed {message}", fix)


def _untaxed(taxes: Taxes) -> Finding:
    found = taxes.rules.vat_rates.get(UNTAXED)
    fix = "" if found else f'say which VAT rate of Balance they have: {taxes.key("vat-rates")} = {{ none = "…" }}'
    return Finding(
        "untaxed lines", bool(found), f"are {found}" if found else "have no VAT rate of Balance yet", fix, FLOWS
    )
