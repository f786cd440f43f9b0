"""Short digests that tell whether a product, or a reason, is still the one of the last time."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from services.catalog_importer.eligibility import Skip
from services.catalog_importer.product import Desired
from services.settings.catalogue import FieldOwnership


def of_product(desired: Desired, owners: FieldOwnership, images: str | None = None) -> str:
    """Changes with every field that would be written, with the phase of its sale, with who owns the fields, and with
    where the pictures lie.

    Equal amounts have equal digests, however many zeros they end on.
    """
    fields = desired.model_copy(update={"weight": desired.weight.normalize() if desired.weight else None})
    pictures = {"images": images} if images else {}
    return _of({"fields": _fields(fields), "owners": owners.model_dump(mode="json"), **pictures})


def _fields(desired: Desired) -> dict[str, Any]:
    """A single category has the digest that it had when there could be but one."""
    fields = desired.model_dump(mode="json")
    ids = fields.pop("category_ids")
    return fields | {"category_id": ids[0] if ids and len(ids) == 1 else ids}


def of_skip(skip: Skip) -> str:
    """Changes with the reason and with what is said about it."""
    return _of({"reason": skip.reason, "detail": skip.detail})


def _of(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=8).hexdigest()
