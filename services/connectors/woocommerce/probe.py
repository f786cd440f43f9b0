"""Is the shop ready for us? Asked before anything is switched on; changes nothing there."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from contracts.reasons import Reason
from services.connectors.woocommerce import store
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.diagnosis import fix_of
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, Rejected


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found. `problems` say what to mend, one sentence each; empty when all is well.

    `time_zone` is a name or an offset in hours.
    """

    name: str
    home: str
    time_zone: str
    may_read: bool
    may_write: bool
    problems: tuple[str, ...]


async def probe(api: Api) -> Probe:
    """Looks at the index and at what the key may do.

    Raises `Misaddressed` when no WooCommerce answers there, and `Unavailable` when nothing does.
    """
    site = await store.site(api)
    if not site.has_woocommerce:
        fix = fix_of(Reason.SHOP_ADDRESS_WRONG, api.shop)
        raise Misaddressed(
            f"shop {api.shop}: WordPress answers, but no WooCommerce (wc/v3). {fix}", reason=Reason.SHOP_ADDRESS_WRONG
        )
    reads = await _denied(api.page("/orders", {"per_page": 1, "_fields": "id"}))
    writes = await _denied(api.write("POST", "/products/batch", {}))  # API fact: an empty batch does nothing
    problems = tuple(problem for problem in (reads, writes) if problem)
    return Probe(
        name=site.name,
        home=site.home or site.url,
        time_zone=site.time_zone or f"UTC{site.gmt_offset:+f}",
        may_read=reads is None,
        may_write=writes is None,
        problems=problems,
    )


async def _denied(call: Awaitable[Any]) -> str | None:
    try:
        await call
    except AccessDenied as error:
        return error.message
    return None


async def status(api: Api) -> store.SystemStatus:
    """Version and order storage, which may take the shop seconds; empty where it hides them from this key."""
    try:
        return await store.system_status(api)
    except (AccessDenied, Rejected):  # a key of a lesser user may do all that we need and not see this
        return store.SystemStatus()
