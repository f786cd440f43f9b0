"""Fault injection into a sandbox, and the requests in its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.sandbox.channel import path_template

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Entry = dict[str, Any]


async def list_requests(sandbox: httpx.AsyncClient) -> list[Entry]:
    """Every request that reached a sandbox, except those to the control routes."""
    found: list[Entry] = (await sandbox.get("/_sandbox/requests")).raise_for_status().json()["requests"]
    return found


async def count_writes(sandbox: httpx.AsyncClient) -> Counter[str]:
    """How often each resource was written to, as `PUT /path/{id}`, whatever the response.

    An empty batch writes nothing: it only asks whether the key may write, and is answered with `[]`.
    """
    asked = [entry for entry in await list_requests(sandbox) if entry["method"] in WRITES and not _is_probe(entry)]
    return Counter(f"{entry['method']} {path_template(entry['path'])}" for entry in asked)


def _is_probe(entry: Entry) -> bool:
    return bool(entry["path"].endswith("/batch") and entry["status"] == 200 and entry["bytes"] == len("[]"))


async def list_faulted_requests(sandbox: httpx.AsyncClient, kind: str) -> list[Entry]:
    """The requests to which a fault of this kind was applied."""
    return [entry for entry in await list_requests(sandbox) if entry["fault"] == kind]


@asynccontextmanager
async def inject_fault(sandbox: httpx.AsyncClient, **fault: Any) -> AsyncIterator[None]:
    """A fault (see `services/sandbox/faults.py`) for as long as the context lasts."""
    answer = (await sandbox.post("/_sandbox/faults", json=fault)).raise_for_status()
    try:
        yield
    finally:
        (await sandbox.delete(f"/_sandbox/faults/{answer.json()['id']}")).raise_for_status()
