"""What a shop shows of itself, and in what that differs from the shop that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from contracts.identity import ShopIdentified
from services.shared.settings.shop import ShopSettings
from services.shared.upstream.errors import AccessDenied
from services.shared.woocommerce.store import Site
from services.shared.woocommerce.webhooks import Webhook

MARK = "Davtari identity "
"""How the name of the webhook begins that carries our mark; it is switched off and never sends anything."""


class ShowsItself(Protocol):
    """What is read of a shop: three calls, and a fourth when its newest order is not the one that is known."""

    async def site(self) -> Site: ...
    async def webhooks(self) -> list[Webhook]: ...
    async def newest_order(self) -> int: ...
    async def order(self, order_id: int) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A shop as it showed itself. `marker` is None where it has none, `hidden` when our key may not see it."""

    url: str
    home: str
    key_mark: str
    marker: str | None
    hidden: bool
    newest_order: int


async def look(shop: ShowsItself, settings: ShopSettings, newest_known: int = 0) -> Seen:
    """Look at a shop. Raises `UpstreamError`, and `SecretMissing` when the key's file is gone.

    An order that is known and still there counts as seen, though newer ones were moved to the trash.
    """
    site, newest = await shop.site(), await shop.newest_order()
    if newest < newest_known and await shop.order(newest_known) is not None:
        newest = newest_known
    marker, hidden = await _marker(shop)
    home = address(site.home or site.url)
    return Seen(address(settings.url), home, key_mark(settings), marker, hidden, newest)


async def _marker(shop: ShowsItself) -> tuple[str | None, bool]:
    try:
        marks = [hook.name.removeprefix(MARK) for hook in await shop.webhooks() if hook.name.startswith(MARK)]
    except AccessDenied:
        return None, True
    return (marks[0] if marks else None), False


def address(url: str) -> str:
    """An address without what may change while the shop stays the same: scheme, letter case, the last slash."""
    return url.partition("://")[2].rstrip("/").casefold()


def key_mark(settings: ShopSettings) -> str:
    """Stands for the REST key, which cannot be told from it."""
    key, _ = settings.credentials()
    return blake2b(key.get_secret_value().encode(), digest_size=8, person=b"davtari-key").hexdigest()


def differences(known: ShopIdentified, seen: Seen) -> tuple[str, ...]:
    """In what a shop differs from the one that is known, for a person; empty when it is the same."""
    return tuple(_differences(known, seen))


def _differences(known: ShopIdentified, seen: Seen) -> Iterator[str]:
    if seen.url != known.url:
        yield f"the settings name {seen.url}, they named {known.url}"
    if seen.home != known.home:
        yield f"the shop says that it lives at {seen.home}, ours lives at {known.home}"
    if seen.key_mark != known.key_mark:
        yield "the REST key is another one"
    if known.marker and not seen.hidden and seen.marker != known.marker:
        yield f"the webhook {MARK}{known.marker} is not there" + (f" but {seen.marker}" if seen.marker else "")
    if seen.newest_order < known.newest_order:
        yield f"its newest order is {seen.newest_order}, ours had {known.newest_order} already: an older copy?"
