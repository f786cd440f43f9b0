"""WooCommerce's own error answers: `{"code", "message", "data"}` and what each means for us.

Recorded in the captures; a code that nobody has seen is classified by its status. An error without this body is not
WooCommerce's: whatever stands in front of the shop has answered, and nothing follows from it for a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from contracts.reasons import Reason
from services.connectors.http.statuses import DENIED, FAILED, NOT_DONE
from services.connectors.http.voice import Voice
from services.connectors.woocommerce.answers import ErrorBody, error_body, sentence
from services.connectors.woocommerce.diagnosis import error_in
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, NotFound, Rejected, UpstreamError

SKU_TAKEN = "product_invalid_sku"
SKU_TAKEN_UNSEEN = "woocommerce_rest_product_not_created"
NOT_FOUND = 404
NO_ROUTE = "rest_no_route"

_GONE = frozenset({"woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id"})
_NO_RECORD = re.compile(r"(woocommerce_)?rest_(\w+_)?invalid(_\w+)?_id|(woocommerce_)?rest_term_invalid", re.ASCII)
"""The codes with which WooCommerce and WordPress say that there is no such record (source), with status 404."""
_OWN = re.compile(r"woocommerce_|rest_setting_")
"""How WooCommerce's codes begin; with 404 those of WordPress and of plugins say nothing about a record."""
_REFUSALS_WITH_5XX = frozenset({"woocommerce_rest_cannot_create_order_refund", "woocommerce_rest_trash_not_supported"})
_TOO_LARGE = frozenset({413, 414, 431})
"""The web server's own refusals of a request for its size, in HTML: they say something about the request."""
_REFUSALS = frozenset({400, 404, 409, 410, 422})
_SUBJECT = re.compile(r"/(products|orders|webhooks|variations|categories)/(\d+)")
_ONE_OF = {"products": "product", "variations": "variation", "categories": "category"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error body. `resource_id` is the record that is in the way (duplicate SKU, duplicate category)."""

    code: str
    message: str
    resource_id: int | None = None

    @property
    def reason(self) -> Reason:
        return reason_of(self.code)

    @property
    def sku_taken(self) -> bool:
        """Whether another product holds the SKU; without `resource_id` it lies in the trash or is being made."""
        return self.code == SKU_TAKEN or (self.code == SKU_TAKEN_UNSEEN and "lookup table" in self.message)


def complaint(body: Any) -> Complaint | None:
    """The error that a part of an answer states; None when it is no error body."""
    if (known := error_body(body)) is None:
        return None
    resource = known.data.get("resource_id") if isinstance(known.data, dict) else None
    return Complaint(known.code, sentence(known), resource if isinstance(resource, int) else None)


def reason_of(code: str) -> Reason:
    """The reason code of a refusal with this error code."""
    return Reason.SHOP_PRODUCT_GONE if code in _GONE else Reason.SHOP_REFUSED


def refine(voice: Voice, response: httpx.Response, writes: bool) -> UpstreamError | None:
    """WooCommerce's own verdict about a failed call; None leaves it to the general rules."""
    status, known = response.status_code, error_in(response)
    found = voice.explain(response)
    what = f"{voice.name}: {_subject(response.request)}: {found.words}"
    if known is not None and (verdict := _refused(what, status, known)) is not None:
        return verdict
    if status in _TOO_LARGE:
        code = known.code if known else ""
        return Rejected(f"{what}. Lower batch-size", reason=voice.refused, status=status, code=code)
    if status in DENIED and known is not None:
        return AccessDenied(
            f"{what}. {found.fix or voice.mend_access}", status=status, reason=found.reason, code=known.code
        )
    if status in (*DENIED, *NOT_DONE, *FAILED) or not httpx.codes.is_client_error(status):
        return None
    kind = Misaddressed if status == NOT_FOUND else AccessDenied
    code = known.code if known is not None and known.status == status else ""
    return kind(f"{what}. {found.fix or voice.mend_access}", status=status, reason=found.reason, code=code)


def plugin_has_none(error: UpstreamError) -> bool:
    """Whether a plugin's own route says that it has no such record.

    Plugins word that as they like: any 404 with an error body counts, except that the route itself is unknown.
    """
    return error.status == NOT_FOUND and error.code not in ("", NO_ROUTE)


def _refused(what: str, status: int, known: ErrorBody) -> Rejected | None:
    """The refusal that WooCommerce's own body states; None when it is no word about what was sent."""
    reason = reason_of(known.code)
    if status == NOT_FOUND and known.status == NOT_FOUND and _NO_RECORD.fullmatch(known.code):
        return NotFound(what, reason=reason, status=status, code=known.code)
    own = status != NOT_FOUND or (known.status == NOT_FOUND and _OWN.match(known.code) is not None)
    if (status in _REFUSALS and own) or known.code in _REFUSALS_WITH_5XX:
        return Rejected(what, reason=reason, status=status, code=known.code)
    return None


def _subject(request: httpx.Request) -> str:
    """What the call was about, for a person: `product 10 (PUT /wp-json/…)`."""
    call = f"{request.method} {request.url.path}"
    found = _SUBJECT.findall(request.url.path)
    names = " ".join(f"{_ONE_OF.get(noun, noun.rstrip('s'))} {number}" for noun, number in found)
    return f"{names} ({call})" if names else call
