"""A digest over the settings that a service's rules depend on."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from services.settings.base import Section


def fingerprint(sections: Iterable[Section]) -> str:
    """Changes whenever one of the sections does."""
    text = "\n".join(section.model_dump_json() for section in sections)
    return blake2b(text.encode(), digest_size=16).hexdigest()
