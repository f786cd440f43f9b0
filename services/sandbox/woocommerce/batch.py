"""Batches: at most 100 items, done in order, each failing for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.resource import Resource
from services.sandbox.woocommerce.shop import Document

LIMIT = 100
DEEDS = ("create", "update", "delete")


def run(resource: Resource, body: Document) -> Document | list[Any]:
    """Does a batch; `[]` when there was nothing to do. RestError 413 above 100 items, with nothing done.

    API fact (recorded): results stand in the order of the items, an error takes its item's place inside HTTP 200.
    """
    items = {deed: body.get(deed) or [] for deed in DEEDS}
    if sum(map(len, items.values())) > LIMIT:
        message = f"Unable to accept more than {LIMIT} items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", message)
    steps = {"create": _create, "update": _update, "delete": _delete}
    return {deed: [steps[deed](resource, item) for item in items[deed]] for deed in DEEDS if items[deed]} or []


def count(body: Document) -> int:
    """How many items a batch has."""
    return sum(len(body.get(deed) or []) for deed in DEEDS)


def _create(resource: Resource, item: Document) -> Document:
    return _or_error(lambda: resource.create(item, strict=False), 0)


def _update(resource: Resource, item: Document) -> Document:
    return _or_error(lambda: resource.update(_id(item.get("id")), item, strict=False), item.get("id"), 400)


def _delete(resource: Resource, item: Any) -> Document:
    shown = {**item, "force": True} if isinstance(item, dict) else item
    return _or_error(lambda: resource.delete(_id(item), force=True), shown)


def _id(value: Any) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _or_error(step: Callable[[], Document], shown_id: Any, status: int | None = None) -> Document:
    """An unknown id counts as 400 in an update and as 404 in a delete (API fact: recorded)."""
    try:
        return step()
    except RestError as wrong:
        error = wrong.body()
        if status and wrong.status == 404:
            error["data"] = {**error["data"], "status": status}
        return {"id": shown_id, "error": error}
