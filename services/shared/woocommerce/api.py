"""Calls to `/wp-json/wc/v3`: addresses, JSON with exact numbers, and answers that are not what they should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from services.shared.upstream.errors import Unavailable, UnknownOutcome, UpstreamError
from services.shared.upstream.http import Upstream

ROUTES = "/wp-json/wc/v3"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `total_pages` is None when a proxy swallowed the header."""

    rows: list[dict[str, Any]]
    total_pages: int | None


class Api:
    """One shop's REST API. Every call raises an `UpstreamError` when it fails."""

    def __init__(self, upstream: Upstream, shop: str, url: str) -> None:
        self.shop = shop
        self._upstream, self._root = upstream, url.rstrip("/")

    async def index(self, **params: str) -> dict[str, Any]:
        """The site's own description, `/wp-json/`."""
        url = f"{self._root}/wp-json/"
        return _table(await self._upstream.request("GET", url, params=params, writes=False), self.shop)

    async def get(self, route: str, **params: str | int) -> dict[str, Any]:
        """A single record."""
        return _table(await self._read(route, params), self.shop)

    async def answer(self, path: str) -> Any:
        """What a route beside WooCommerce's own answers, e.g. `/wp-json/wc-returns/v1/orders/17`: any JSON."""
        response = await self._upstream.request("GET", self._root + path, params={}, writes=False)
        return _json(response, self.shop, writes=False)

    async def page(self, route: str, params: Mapping[str, str | int]) -> Page:
        """One page of a list."""
        response = await self._read(route, params)
        total = response.headers.get("X-WP-TotalPages", "")
        return Page(_rows(response, self.shop), int(total) if total.isascii() and total.isdigit() else None)

    async def write(self, method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A change, and its echo. Raises `UnknownOutcome` also when the echo cannot be read."""
        response = await self._upstream.request(method, self._root + ROUTES + route, json=body, writes=True)
        return _table(response, self.shop, writes=True)

    async def _read(self, route: str, params: Mapping[str, str | int]) -> httpx.Response:
        return await self._upstream.request("GET", self._root + ROUTES + route, params=params, writes=False)


def _table(response: httpx.Response, shop: str, *, writes: bool = False) -> dict[str, Any]:
    """The answered object; PHP writes an empty one as `[]`."""
    answer = _json(response, shop, writes=writes)
    if answer == []:
        return {}
    if isinstance(answer, dict):
        return answer
    raise _strange(response, shop, "no JSON object", writes=writes)


def _rows(response: httpx.Response, shop: str) -> list[dict[str, Any]]:
    answer = _json(response, shop, writes=False)
    if isinstance(answer, list) and all(isinstance(row, dict) for row in answer):
        return answer
    raise _strange(response, shop, "no list of JSON objects", writes=False)


def _json(response: httpx.Response, shop: str, *, writes: bool) -> Any:
    try:
        return json.loads(response.content, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        raise _strange(response, shop, "no valid JSON", writes=writes) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _strange(response: httpx.Response, shop: str, what: str, *, writes: bool) -> UpstreamError:
    call = f"{response.request.method} {response.request.url.path}"
    text = f"shop {shop}: {call}: HTTP {response.status_code} with {what}: does a plugin write into the answers?"
    return UnknownOutcome(text) if writes else Unavailable(text)
