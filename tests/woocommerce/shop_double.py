"""A shop that answers from the recordings, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from services.connectors.woocommerce.client import WooCommerce
from services.settings.shop import ShopSettings

CAPTURES = Path(__file__).parents[1] / "captures" / "woocommerce"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY, SECRET = SecretStr("ck_test"), SecretStr("cs_test")


def capture(name: str) -> dict[str, Any]:
    """One recorded exchange."""
    recorded: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
    return recorded


def exchanges() -> list[str]:
    """The names of all recordings of a request to the shop (the others are webhooks that the shop sent)."""
    return sorted(path.stem for path in CAPTURES.glob("*.json") if "response" in capture(path.stem))


def answered(name: str) -> Any:
    """The recorded answer's body."""
    return capture(name)["response"]["body"]


def recorded(name: str) -> httpx.Response:
    """The recorded answer."""
    response = capture(name)["response"]
    paging = {key: value for key, value in response["headers"] if key.startswith("X-WP-")}
    return httpx.Response(response["status"], json=response["body"], headers=paging)


def listed(rows: list[dict[str, Any]], pages: int = 1) -> httpx.Response:
    """A list's page, as the shop answers it."""
    return httpx.Response(200, json=rows, headers={"X-WP-TotalPages": str(pages)})


@dataclass
class ShopDouble:
    """Answers in turn what it was given; `asked` are the requests that came."""

    answers: list[httpx.Response]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.pop(0)

    def queries(self) -> list[dict[str, str]]:
        """The query of each request."""
        return [dict(request.url.params) for request in self.asked]

    def bodies(self) -> list[Any]:
        """The JSON body of each request."""
        return [json.loads(request.content) for request in self.asked]


def settings(**more: Any) -> ShopSettings:
    """A shop's settings."""
    return ShopSettings.model_validate({"url": "https://shop.test/", "key_file": "key", "secret_file": "secret"} | more)


def about_a_refusal(request: httpx.Request) -> httpx.Response | None:
    """What the client asks once about a refusal: a home page that names no API, a key in the query that is unknown."""
    if request.url.path == "/":
        return httpx.Response(200, html="<p>A shop</p>")
    if "consumer_key" in request.url.params:
        body = {"code": "woocommerce_rest_cannot_view", "message": "no", "data": {"status": 401}}
        return httpx.Response(401, json=body)
    return None


def client(double: Any, **more: Any) -> WooCommerce:
    """A client of that shop."""
    transport = httpx.MockTransport(lambda request: about_a_refusal(request) or double(request))
    return WooCommerce("main", settings(**more), KEY, SECRET, clock=lambda: NOON, transport=transport)


def product(product_id: int, sku: str, **more: Any) -> dict[str, Any]:
    """A product's JSON with the fields that matter."""
    return {"id": product_id, "sku": sku, "type": "simple", "status": "publish", "parent_id": 0} | more


def only(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some of a mapping's values."""
    return {name: values[name] for name in names}


def answer_by_path(**routes: httpx.Response) -> Any:
    """A shop that answers by the last word of the path."""
    return lambda request: routes[request.url.path.rstrip("/").rsplit("/", 1)[1].replace("-", "_")]
