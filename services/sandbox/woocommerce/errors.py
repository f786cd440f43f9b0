"""Errors of the REST API, and the checks of request parameters that raise them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HELP = (
    '<p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">'
    "Learn more about troubleshooting WordPress.</a></p>"
)


class RestError(Exception):
    """An error response; `more` is added to `data` beside the status."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.more = more

    def body(self) -> dict[str, Any]:
        """`{"code", "message", "data": {"status", ...}}`."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.more}}


class RefundRefused(RestError):
    """A rejected refund: always HTTP 500, and `data` is a bare number (WooCommerce fact 55)."""

    def __init__(
        self, message: str, code: str = "woocommerce_rest_cannot_create_order_refund", data: int = 500
    ) -> None:
        super().__init__(500, code, message)
        self.data = data

    def body(self) -> dict[str, Any]:
        """`{"code", "message", "data": 500}`."""
        return {"code": self.code, "message": self.message, "data": self.data}


class PhpCrash(RestError):
    """A fatal error of PHP."""

    def __init__(self) -> None:
        super().__init__(500, "internal_server_error", f"<p>There has been a critical error on this website.</p>{HELP}")

    def body(self) -> dict[str, Any]:
        """The body of a PHP fatal error."""
        return {**super().body(), "additional_errors": []}


def invalid_id(code: str, status: int = 404) -> RestError:
    """The error for an unknown id."""
    return RestError(status, code, "Invalid ID.")


def no_route() -> RestError:
    """The error for an unknown path or method."""
    return RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


def not_trashable() -> RestError:
    """The error for a delete without `force=true` of a resource without a trash (WooCommerce fact 6)."""
    message = "This resource does not support trashing. Set force=true to delete."
    return RestError(501, "woocommerce_rest_trash_not_supported", message)


# JSON schema checks of the single endpoints. Batch items are not checked (WooCommerce fact 19).

BOOLEANS = (True, False, 0, 1, "true", "false", "0", "1", "")


@dataclass(frozen=True)
class ParameterRule:
    """What one parameter must be: `type` a JSON type's name, `among` the allowed words."""

    type: str = "string"
    among: tuple[str, ...] = ()


PRODUCT: Mapping[str, ParameterRule] = {
    "name": ParameterRule(),
    "slug": ParameterRule(),
    "type": ParameterRule(among=("simple", "grouped", "external", "variable")),
    "status": ParameterRule(among=("draft", "pending", "private", "publish", "future", "auto-draft", "trash")),
    "featured": ParameterRule("boolean"),
    "catalog_visibility": ParameterRule(among=("visible", "catalog", "search", "hidden")),
    "description": ParameterRule(),
    "short_description": ParameterRule(),
    "sku": ParameterRule(),
    "regular_price": ParameterRule(),
    "sale_price": ParameterRule(),
    "virtual": ParameterRule("boolean"),
    "downloadable": ParameterRule("boolean"),
    "tax_status": ParameterRule(among=("taxable", "shipping", "none")),
    "tax_class": ParameterRule(),
    "manage_stock": ParameterRule("boolean"),
    "stock_quantity": ParameterRule("integer"),
    "stock_status": ParameterRule(among=("instock", "outofstock", "onbackorder")),
    "backorders": ParameterRule(among=("no", "notify", "yes")),
    "sold_individually": ParameterRule("boolean"),
    "weight": ParameterRule(),
    "categories": ParameterRule("array"),
    "attributes": ParameterRule("array"),
    "meta_data": ParameterRule("array"),
    "global_unique_id": ParameterRule(),
}
ORDER: Mapping[str, ParameterRule] = {
    "status": ParameterRule(
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
    "currency": ParameterRule(),
    "customer_id": ParameterRule("integer"),
    "customer_note": ParameterRule(),
    "billing": ParameterRule("object"),
    "shipping": ParameterRule("object"),
    "payment_method": ParameterRule(),
    "payment_method_title": ParameterRule(),
    "transaction_id": ParameterRule(),
    "set_paid": ParameterRule("boolean"),
    "meta_data": ParameterRule("array"),
    "line_items": ParameterRule("array"),
    "shipping_lines": ParameterRule("array"),
    "fee_lines": ParameterRule("array"),
    "coupon_lines": ParameterRule("array"),
}
CUSTOMER: Mapping[str, ParameterRule] = {
    "email": ParameterRule(),
    "first_name": ParameterRule(),
    "last_name": ParameterRule(),
    "username": ParameterRule(),
    "billing": ParameterRule("object"),
    "shipping": ParameterRule("object"),
    "meta_data": ParameterRule("array"),
}
WEBHOOK: Mapping[str, ParameterRule] = {
    "name": ParameterRule(),
    "status": ParameterRule(among=("active", "paused", "disabled")),
    "topic": ParameterRule(),
    "secret": ParameterRule(),
}


def check_parameters(body: Mapping[str, Any], rules: Mapping[str, ParameterRule]) -> None:
    """Raises 400 `rest_invalid_param` naming every parameter that breaks its rule; null passes unchecked."""
    faults = {name: fault for name, rule in rules.items() if (fault := _check_parameter(name, rule, body.get(name)))}
    if faults:
        raise invalid_parameters(faults)


def invalid_parameters(details: Mapping[str, Mapping[str, Any]]) -> RestError:
    """`rest_invalid_param` for parameters whose faults are `{"code", "message", "data"}`."""
    return RestError(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {', '.join(details)}",
        params={name: fault["message"] for name, fault in details.items()},
        details=dict(details),
    )


def parameter_fault(code: str, message: str, data: Any = None) -> dict[str, Any]:
    """Describes what is wrong with one parameter."""
    return {"code": code, "message": message, "data": data}


def _check_parameter(name: str, rule: ParameterRule, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not has_type(rule.type, value):
        return parameter_fault("rest_invalid_type", f"{name} is not of type {rule.type}.", {"param": name})
    if rule.among and value not in rule.among:
        words = ", ".join(rule.among[:-1])
        return parameter_fault("rest_not_in_enum", f"{name} is not one of {words}, and {rule.among[-1]}.")
    return None


def has_type(kind: str, value: Any) -> bool:
    """Whether WordPress accepts a value as a type: integers may be numeric strings, booleans texts and 0 or 1."""
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
