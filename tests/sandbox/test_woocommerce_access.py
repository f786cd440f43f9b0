"""Who gets in: keys over TLS, OAuth1 over plain HTTP, the index without any."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from authlib.oauth1 import ClientAuth

from tests.sandbox.woocommerce_bench import Woo

PLAIN = "http://127.0.0.1:8443"
PRODUCTS = "/wp-json/wc/v3/products"


def signed(woo: Woo, **changed: str) -> str:
    """A GET of the products, signed by HMAC-SHA256 after RFC 5849, as a query."""
    sent = {
        "oauth_consumer_key": "ck_sandbox",
        "oauth_nonce": "n-1",
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(woo.clock().timestamp())),
        "per_page": "5",
    } | changed
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(sent.items()))
    base = "&".join(("GET", quote(PLAIN + PRODUCTS, safe=""), quote(pairs, safe="")))
    made = hmac.new(b"cs_sandbox&", base.encode(), hashlib.sha256).digest()
    return f"{PRODUCTS}?{urlencode(sent | {'oauth_signature': base64.b64encode(made).decode()})}"


async def refusal(woo: Woo, path: str, base: str = PLAIN, **more: Any) -> str:
    """Why a request is refused; empty when it is not."""
    async with woo.via(base) as client:
        answer = await client.get(path, **more)
    return "" if answer.status_code == 200 else f"{answer.status_code} {answer.json()['message']}"


async def test_keys_in_the_query_work_over_tls_only(woo: Woo) -> None:
    path = f"{PRODUCTS}?consumer_key=ck_sandbox&consumer_secret=cs_sandbox"
    assert await refusal(woo, path, "https://127.0.0.1:8443") == ""
    assert await refusal(woo, path) == "401 Sorry, you cannot list resources."


async def test_a_signed_request_gets_in_over_plain_http_once(woo: Woo) -> None:
    path = signed(woo)
    assert await refusal(woo, path) == ""
    assert await refusal(woo, path) == "401 Invalid nonce - nonce has already been used."


@pytest.mark.parametrize("kind", ["QUERY", "HEADER"])
async def test_a_library_of_others_signs_as_the_shop_expects(woo: Woo, kind: str) -> None:
    woo.clock.at = woo.clock.at.now(woo.clock.at.tzinfo)  # the library takes the time of the machine
    auth = ClientAuth("ck_sandbox", "cs_sandbox", signature_type=kind)
    url, headers, _ = auth.prepare("GET", f"{PLAIN}{PRODUCTS}?per_page=5&search=a%20b", {}, "")
    assert await refusal(woo, url, headers=headers) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"oauth_timestamp": "1000"}, "Invalid timestamp."),
        ({"oauth_consumer_key": "ck_unknown"}, "Consumer key is invalid."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
    ],
)
async def test_a_signature_that_does_not_hold_says_why(woo: Woo, changed: dict[str, str], reason: str) -> None:
    assert await refusal(woo, signed(woo, **changed)) == f"401 {reason}"


async def test_a_tampered_request_is_refused(woo: Woo) -> None:
    reason = await refusal(woo, signed(woo).replace("per_page=5", "per_page=6"))
    assert reason == "401 Invalid signature - provided signature does not match."


async def test_the_signature_is_over_the_home_url_not_the_one_dialled(woo: Woo) -> None:
    assert await refusal(woo, signed(woo), "http://proxy.test:9000") == ""


async def test_keys_are_not_looked_at_without_pretty_permalinks(woo: Woo) -> None:
    answer = await woo.client.get("/?rest_route=/wc/v3/products")
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_cannot_view")


async def test_the_index_needs_no_key(woo: Woo) -> None:
    async with woo.via(PLAIN) as client:
        index = (await client.get("/wp-json/")).json()
    assert (index["gmt_offset"], index["timezone_string"]) == ("4", "Asia/Tbilisi")
    assert "wc/v3" in index["namespaces"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", PRODUCTS, "woocommerce_rest_cannot_create"),
        ("PUT", f"{PRODUCTS}/10", "woocommerce_rest_cannot_edit"),
        ("DELETE", f"{PRODUCTS}/10", "woocommerce_rest_cannot_delete"),
        ("POST", f"{PRODUCTS}/batch", "woocommerce_rest_cannot_batch"),
    ],
)
async def test_writes_without_a_key_are_refused(woo: Woo, method: str, path: str, code: str) -> None:
    async with woo.via("https://127.0.0.1:8443") as client:
        answer = await client.request(method, path, json={})
    assert (answer.status_code, answer.json()["code"]) == (401, code)
