"""Classifies WooCommerce's own error answers: `{"code", "message", "data"}`.

The codes are recorded in the captures; an unknown code is classified by its status. An error without this body is not
WooCommerce's: something in front of the shop has answered, and nothing follows from it for a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from contracts.reasons import Reason
from services.connectors.http.errors import DENIED, FAILED, NOT_PROCESSED
from services.connectors.http.responses import UpstreamLabels
from services.connectors.woocommerce.answers import ErrorBody, format_error, read_error_body
from services.connectors.woocommerce.diagnosis import error_in
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, NotFound, Rejected, UpstreamError

SKU_TAKEN = "product_invalid_sku"
SKU_TAKEN_WITHOUT_ID = "woocommerce_rest_product_not_created"
NOT_FOUND = 404
NO_ROUTE = "rest_no_route"

_GONE = frozenset({"woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id"})
_NO_RECORD = re.compile(r"(woocommerce_)?rest_(\w+_)?invalid(_\w+)?_id|(woocommerce_)?rest_term_invalid", re.ASCII)
"""The codes with which WooCommerce and WordPress state that there is no such record, with status 404."""
_OWN = re.compile(r"woocommerce_|rest_setting_")
"""How WooCommerce's codes begin; with 404 the codes of WordPress and plugins state nothing about a record."""
_REFUSALS_WITH_5XX = frozenset({"woocommerce_rest_cannot_create_order_refund", "woocommerce_rest_trash_not_supported"})
_TOO_LARGE = frozenset({413, 414, 431})
"""The web server's own refusals of a request for its size, in HTML (WooCommerce fact 35)."""
_REFUSALS = frozenset({400, 404, 409, 410, 422})
_SUBJECT = re.compile(r"/(products|orders|webhooks|variations|categories)/(\d+)")
_ONE_OF = {"products": "product", "variations": "variation", "categories": "category"}


@dataclass(frozen=True, slots=True)
class ItemError:
    """The error of one record. `resource_id` is the existing record with the same SKU or name, if stated."""

    code: str
    message: str
    resource_id: int | None = None

    @property
    def reason(self) -> Reason:
        return reason_of(self.code)

    @property
    def sku_taken(self) -> bool:
        """Whether another product has the SKU; without `resource_id` it is trashed (WooCommerce facts 15, 16)."""
        return self.code == SKU_TAKEN or (self.code == SKU_TAKEN_WITHOUT_ID and "lookup table" in self.message)


def read_item_error(body: Any) -> ItemError | None:
    """The error in one item of a batch answer; None if it is not an error body."""
    if (known := read_error_body(body)) is None:
        return None
    resource = known.data.get("resource_id") if isinstance(known.data, dict) else None
    return ItemError(known.code, format_error(known), resource if isinstance(resource, int) else None)


def reason_of(code: str) -> Reason:
    """The reason code of a refusal with this error code."""
    return Reason.SHOP_PRODUCT_GONE if code in _GONE else Reason.SHOP_REFUSED


def refine_error(labels: UpstreamLabels, response: httpx.Response, writes: bool) -> UpstreamError | None:
    """The error of a failed call by WooCommerce's own rules; None leaves it to the general rules."""
    status, known = response.status_code, error_in(response)
    found = labels.explain(response)
    what = f"{labels.name}: {_describe_subject(response.request)}: {found.text}"
    if known is not None and (refusal := _classify_refusal(what, status, known)) is not None:
        return refusal
    if status in _TOO_LARGE:
        code = known.code if known else ""
        return Rejected(f"{what}. Lower batch-size", reason=labels.refused_reason, status=status, code=code)
    if status in DENIED and known is not None:
        return AccessDenied(
            f"{what}. {found.fix or labels.fix_access}", status=status, reason=found.reason, code=known.code
        )
    if status in (*DENIED, *NOT_PROCESSED, *FAILED) or not httpx.codes.is_client_error(status):
        return None
    kind = Misaddressed if status == NOT_FOUND else AccessDenied
    code = known.code if known is not None and known.status == status else ""
    return kind(f"{what}. {found.fix or labels.fix_access}", status=status, reason=found.reason, code=code)


def is_missing_plugin_record(error: UpstreamError) -> bool:
    """Whether a plugin's own route states that it has no such record.

    Plugins use codes of their own: any 404 with an error body counts, unless the route itself is unknown.
    """
    return error.status == NOT_FOUND and error.code not in ("", NO_ROUTE)


def _classify_refusal(what: str, status: int, known: ErrorBody) -> Rejected | None:
    """The refusal stated by WooCommerce's own body; None if it is not about what was sent."""
    reason = reason_of(known.code)
    if status == NOT_FOUND and known.status == NOT_FOUND and _NO_RECORD.fullmatch(known.code):
        return NotFound(what, reason=reason, status=status, code=known.code)
    own = status != NOT_FOUND or (known.status == NOT_FOUND and _OWN.match(known.code) is not None)
    if (status in _REFUSALS and own) or known.code in _REFUSALS_WITH_5XX:
        return Rejected(what, reason=reason, status=status, code=known.code)
    return None


def _describe_subject(request: httpx.Request) -> str:
    """The records in the URL, for a person: `product 10 (PUT /wp-json/…)`."""
    call = f"{request.method} {request.url.path}"
    found = _SUBJECT.findall(request.url.path)
    names = " ".join(f"{_ONE_OF.get(noun, noun.rstrip('s'))} {number}" for noun, number in found)
    return f"{names} ({call})" if names else call
