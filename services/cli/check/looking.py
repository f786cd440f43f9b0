"""Several looks at one system at once: each is a list of findings, and one that fails hides no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.accounting.checks.finding import Finding
from services.connectors.balance.rows import RowInvalid
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError
from services.settings.base import SecretMissing

Look = Callable[[], Awaitable[Sequence[Finding]]]
"""Raises `UpstreamError`, `RowInvalid` or `SecretMissing` when it cannot be made."""
NOT_LOOKED_AT = "could not be looked at"


async def together(looks: dict[str, Look]) -> list[Finding]:
    """The findings of all looks, in their order; the names are for those that cannot be made."""
    found = await asyncio.gather(*(_tried(what, look) for what, look in looks.items()))
    return [finding for findings in found for finding in findings]


async def _tried(what: str, look: Look) -> Sequence[Finding]:
    """What a key may not read is only to know; a system that does not answer is wrong."""
    try:
        return await look()
    except (AccessDenied, Rejected) as error:
        return [Finding(what, None, NOT_LOOKED_AT, error.message)]
    except UpstreamError as error:
        return [Finding(what, False, NOT_LOOKED_AT, error.message)]
    except RowInvalid as error:
        return [Finding(what, False, NOT_LOOKED_AT, error.detail)]
    except SecretMissing as error:
        return [Finding(what, False, NOT_LOOKED_AT, str(error))]
