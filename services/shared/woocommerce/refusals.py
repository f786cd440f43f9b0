"""WooCommerce's error answers: `{"code", "message", "data"}` and what each means for us.

Recorded in the captures; a code that nobody has seen is classified by its status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
from pydantic import ValidationError

from contracts.reasons import Reason
from services.shared.upstream.errors import AccessDenied, Misaddressed, Rejected, UpstreamError
from services.shared.upstream.statuses import described
from services.shared.upstream.voice import Voice
from services.shared.woocommerce.read import Answered, Text

MEND_ACCESS = (
    "Mend it in WooCommerce → Settings → Advanced → REST API: a key of a shop manager with permission Read/Write; "
    "write its two halves into the files that key-file and secret-file name"
)
MEND_PROXY = (
    "; with a key that is right, tell WordPress that it is reached over https (X-Forwarded-Proto behind a proxy): "
    "WooCommerce ignores keys otherwise"
)
MEND_FIREWALL = (
    "This is not WooCommerce's own refusal: let Davtari's address pass the shop's firewall or host protection"
)
MEND_ADDRESS = (
    "Check the shop's url in davtari.toml, that WooCommerce is active, and that WordPress → Settings → Permalinks "
    'is not "Plain"'
)
SKU_TAKEN = "product_invalid_sku"
SKU_TAKEN_UNSEEN = "woocommerce_rest_product_not_created"

_GONE = frozenset({"woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id"})
_AS_IF_NO_KEY = frozenset({"woocommerce_rest_cannot_view", "woocommerce_rest_cannot_create"})
_REFUSALS_WITH_5XX = frozenset({"woocommerce_rest_cannot_create_order_refund", "woocommerce_rest_trash_not_supported"})
_OF_FIREWALLS = frozenset({405, 406, 409, 410, 418, 451})
"""WooCommerce says these only in its own words; hosts and firewalls answer them to calls that they do not like."""
_SUBJECT = re.compile(r"/(products|orders|webhooks|variations|categories)/(\d+)")
_ONE_OF = {"products": "product", "variations": "variation", "categories": "category"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error body. `resource_id` is the record that is in the way (duplicate SKU, duplicate category)."""

    code: str
    message: str
    resource_id: int | None = None
    status: int | None = None

    @property
    def reason(self) -> Reason:
        return Reason.SHOP_PRODUCT_GONE if self.code in _GONE else Reason.SHOP_REFUSED

    @property
    def sku_taken(self) -> bool:
        """Whether another product holds the SKU; without `resource_id` it lies in the trash or is being made."""
        return self.code == SKU_TAKEN or (self.code == SKU_TAKEN_UNSEEN and "lookup table" in self.message)


class _Body(Answered):
    code: str
    message: Text = ""
    data: Any = None


def complaint(body: Any) -> Complaint | None:
    """The error that a JSON body states; None when it is no error body."""
    try:
        known = _Body.model_validate(body)
    except ValidationError:
        return None
    data = known.data if isinstance(known.data, dict) else {"status": known.data}
    return Complaint(known.code, _sentence(known.message, data), _whole(data, "resource_id"), _whole(data, "status"))


def refine(voice: Voice, response: httpx.Response, writes: bool) -> UpstreamError | None:
    """WooCommerce's own verdict about a failed call; None leaves it to the general rules."""
    status, known = response.status_code, complaint(_json(response))
    what = f"{voice.name}: {_subject(response.request)}: {_words(response, known)}"
    code = known.code if known else ""
    if status in (401, 403) or (status in _OF_FIREWALLS and known is None):
        return AccessDenied(f"{what}. {_mend_access(known)}", status=status)
    if code == "rest_no_route" or (status == 404 and known is None):
        return Misaddressed(f"{what}. {MEND_ADDRESS}", status=status)
    if status == 413:
        return Rejected(f"{what}. Lower batch-size", reason=Reason.SHOP_REFUSED, status=status, code=code)
    if known and (status in (400, 404, 409, 410, 422) or code in _REFUSALS_WITH_5XX):
        return Rejected(what, reason=known.reason, status=status, code=code)
    return None


def _mend_access(known: Complaint | None) -> str:
    if known is None:
        return MEND_FIREWALL
    return MEND_ACCESS + (MEND_PROXY if known.code in _AS_IF_NO_KEY else "")


def _subject(request: httpx.Request) -> str:
    """What the call was about, for a person: `product 10 (PUT /wp-json/…)`."""
    call = f"{request.method} {request.url.path}"
    found = _SUBJECT.findall(request.url.path)
    names = " ".join(f"{_ONE_OF.get(noun, noun.rstrip('s'))} {number}" for noun, number in found)
    return f"{names} ({call})" if names else call


def _words(response: httpx.Response, known: Complaint | None) -> str:
    return f"HTTP {response.status_code} {known.code}: {known.message}" if known else described(response)


def _sentence(message: str, data: dict[str, Any]) -> str:
    """The message without markup, with each parameter's own fault."""
    plain = " ".join(unescape(re.sub(r"<[^>]*>", " ", message)).split())
    faults = data.get("params")
    return f"{plain} ({'; '.join(map(str, faults.values()))})" if isinstance(faults, dict) and faults else plain


def _whole(data: dict[str, Any], name: str) -> int | None:
    value = data.get(name)
    return value if isinstance(value, int) else None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
