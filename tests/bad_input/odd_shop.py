"""A shop that answers with odd records."""

from __future__ import annotations

import json
from typing import Any

import httpx

from services.sandbox.faults import InjectedFault


def page(rows: list[Any]) -> httpx.Response:
    """A list as the shop answers it, to the byte: JSON may hold what no file and no database takes."""
    return httpx.Response(200, content=json.dumps(rows).encode(), headers={"X-WP-TotalPages": "1"})


def rewrite(route: str, record: int | None, fields: dict[str, Any] | None) -> InjectedFault:
    """The shop answers this route with other values in one record."""
    return InjectedFault.model_validate(
        {"kind": "rewrite", "match": f"GET .*{route}$", "record": record, "fields": fields}
    )
