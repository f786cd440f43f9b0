"""The JSON schema checks of the single endpoints; batch items are not checked (API fact: recorded)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.sandbox.woocommerce.errors import RestError

BOOLEANS = (True, False, 0, 1, "true", "false", "0", "1", "")


@dataclass(frozen=True)
class Rule:
    """What one parameter must be: `type` a JSON type's name, `among` the allowed words."""

    type: str = "string"
    among: tuple[str, ...] = ()


PRODUCT: Mapping[str, Rule] = {
    "name": Rule(),
    "slug": Rule(),
    "type": Rule(among=("simple", "grouped", "external", "variable")),
    "status": Rule(among=("draft", "pending", "private", "publish", "future", "auto-draft", "trash")),
    "featured": Rule("boolean"),
    "catalog_visibility": Rule(among=("visible", "catalog", "search", "hidden")),
    "description": Rule(),
    "short_description": Rule(),
    "sku": Rule(),
    "regular_price": Rule(),
    "sale_price": Rule(),
    "virtual": Rule("boolean"),
    "downloadable": Rule("boolean"),
    "tax_status": Rule(among=("taxable", "shipping", "none")),
    "tax_class": Rule(),
    "manage_stock": Rule("boolean"),
    "stock_quantity": Rule("integer"),
    "stock_status": Rule(among=("instock", "outofstock", "onbackorder")),
    "backorders": Rule(among=("no", "notify", "yes")),
    "sold_individually": Rule("boolean"),
    "weight": Rule(),
    "categories": Rule("array"),
    "attributes": Rule("array"),
    "meta_data": Rule("array"),
    "global_unique_id": Rule(),
}
ORDER: Mapping[str, Rule] = {
    "status": Rule(
        among=(
            "auto-draft",
            "pending",
            "processing",
            "on-hold",
            "completed",
            "cancelled",
            "refunded",
            "failed",
            "checkout-draft",
        )
    ),
    "currency": Rule(),
    "customer_id": Rule("integer"),
    "customer_note": Rule(),
    "billing": Rule("object"),
    "shipping": Rule("object"),
    "payment_method": Rule(),
    "payment_method_title": Rule(),
    "transaction_id": Rule(),
    "set_paid": Rule("boolean"),
    "meta_data": Rule("array"),
    "line_items": Rule("array"),
    "shipping_lines": Rule("array"),
    "fee_lines": Rule("array"),
    "coupon_lines": Rule("array"),
}
CUSTOMER: Mapping[str, Rule] = {
    "email": Rule(),
    "first_name": Rule(),
    "last_name": Rule(),
    "username": Rule(),
    "billing": Rule("object"),
    "shipping": Rule("object"),
    "meta_data": Rule("array"),
}
WEBHOOK: Mapping[str, Rule] = {
    "name": Rule(),
    "status": Rule(among=("active", "paused", "disabled")),
    "topic": Rule(),
    "secret": Rule(),
}


def check(body: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raises 400 `rest_invalid_param` naming every parameter that breaks its rule; null passes unchecked."""
    faults = {name: fault for name, rule in rules.items() if (fault := _fault(name, rule, body.get(name)))}
    if faults:
        raise invalid(faults)


def invalid(details: Mapping[str, Mapping[str, Any]]) -> RestError:
    """`rest_invalid_param` for parameters whose faults are `{"code", "message", "data"}`."""
    return RestError(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {', '.join(details)}",
        params={name: fault["message"] for name, fault in details.items()},
        details=dict(details),
    )


def fault(code: str, message: str, data: Any = None) -> dict[str, Any]:
    """One parameter's fault."""
    return {"code": code, "message": message, "data": data}


def _fault(name: str, rule: Rule, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not is_a(rule.type, value):
        return fault("rest_invalid_type", f"{name} is not of type {rule.type}.", {"param": name})
    if rule.among and value not in rule.among:
        words = ", ".join(rule.among[:-1])
        return fault("rest_not_in_enum", f"{name} is not one of {words}, and {rule.among[-1]}.")
    return None


def is_a(kind: str, value: Any) -> bool:
    """Whether WordPress takes a value for a type: integers may be numeric strings, booleans words and 0 or 1."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool | int | str) and value in BOOLEANS
        case "integer":
            return is_integer(value)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number, as a number or as digits."""
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return value.strip().removeprefix("-").isdecimal()
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
