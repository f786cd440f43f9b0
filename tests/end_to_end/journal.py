"""Troubling a sandbox, and what was asked of it, read from its own journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.sandbox.channel import path_template

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Entry = dict[str, Any]


async def requests(sandbox: httpx.AsyncClient) -> list[Entry]:
    """Every request that reached a sandbox, the control routes aside."""
    found: list[Entry] = (await sandbox.get("/_sandbox/requests")).raise_for_status().json()["requests"]
    return found


async def writes(sandbox: httpx.AsyncClient) -> Counter[str]:
    """How often each resource was written to, as `PUT /path/{id}`, whatever was answered.

    An empty batch writes nothing: it only asks whether the key may write, and is answered with `[]`.
    """
    asked = [entry for entry in await requests(sandbox) if entry["method"] in WRITES and not _is_probe(entry)]
    return Counter(f"{entry['method']} {path_template(entry['path'])}" for entry in asked)


def _is_probe(entry: Entry) -> bool:
    return bool(entry["path"].endswith("/batch") and entry["status"] == 200 and entry["bytes"] == len("[]"))


async def troubled(sandbox: httpx.AsyncClient, kind: str) -> list[Entry]:
    """The requests that a fault of this kind has met."""
    return [entry for entry in await requests(sandbox) if entry["fault"] == kind]


@asynccontextmanager
async def trouble(sandbox: httpx.AsyncClient, **fault: Any) -> AsyncIterator[None]:
    """A fault (see `services/sandbox/faults.py`) for as long as the context lasts."""
    answer = (await sandbox.post("/_sandbox/faults", json=fault)).raise_for_status()
    try:
        yield
    finally:
        (await sandbox.delete(f"/_sandbox/faults/{answer.json()['id']}")).raise_for_status()
