"""What a shop shows of itself: its addresses, its mark, and its orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from services.connectors.http.unreadable import Listing
from services.connectors.identity.orders import SAMPLE, PlacedOrder, lasting, newest_first, placed_order
from services.connectors.woocommerce import php
from services.connectors.woocommerce.store import Site
from services.connectors.woocommerce.webhooks import Webhook
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, Unavailable
from services.settings.shop import ShopSettings

MARK = "Davtari identity "
"""How the name of the webhook begins that carries our mark; it is switched off and never sends anything."""
LISTED = 3 * SAMPLE
"""So many of the newest orders are listed: abandoned checkouts stand between the placed ones."""
PORTS = (":80", ":443")


class ShowsItself(Protocol):
    """What is read of a shop: three calls, and a fourth and fifth when a known order is not among its newest."""

    async def site(self) -> Site: ...
    async def webhooks(self) -> Listing[Webhook]: ...
    async def newest_orders(self, count: int) -> list[dict[str, Any]]: ...
    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A shop as it showed itself.

    `home` is where it says that it lives, `site` where WordPress itself lies: a language plugin may change the first.
    `hidden`: our key may not see the webhooks, so that nothing is known of `markers`. `orders` holds every order that
    was shown, also those in the trash; `placed` the newest that last, newest first.
    """

    url: str
    home: str
    site: str
    key_mark: str
    markers: tuple[str, ...] = ()
    hidden: bool = False
    orders: Mapping[int, PlacedOrder] = field(default_factory=dict)
    placed: tuple[PlacedOrder, ...] = ()

    @property
    def newest_order(self) -> int:
        """The highest number of a placed order; 0 where none is known."""
        return self.placed[0].order if self.placed else 0


async def look(shop: ShowsItself, settings: ShopSettings, known: Iterable[PlacedOrder] = ()) -> Seen:
    """Look at a shop, and at orders that are known. Raises `UpstreamError`, and `SecretMissing` for a missing key."""
    site = await shop.site()
    if not (site.home or site.url):
        raise Unavailable(f"{settings.url} does not say which site it is: does something in front of the shop answer?")
    rows = await shop.newest_orders(LISTED)
    missing = {one.order for one in known} - {php.id_of(row) for row in rows}
    rows += await shop.orders_by_id(missing) if missing else []
    markers, hidden = await _markers(shop)
    orders = {one.order: one for row in rows if (one := placed_order(row))}
    placed = newest_first(one for row in rows if lasting(row) and (one := placed_order(row)))
    home, wordpress = address(site.home or site.url), address(site.url or site.home)
    return Seen(address(settings.url), home, wordpress, key_mark(settings), markers, hidden, orders, placed)


async def _markers(shop: ShowsItself) -> tuple[tuple[str, ...], bool]:
    """The marks in a shop; what our key cannot list, or what cannot be read, is hidden."""
    try:
        listed = await shop.webhooks()
    except (AccessDenied, Rejected):
        return (), True
    marks = tuple(hook.name.removeprefix(MARK) for hook in listed.records if hook.name.startswith(MARK))
    return marks, bool(listed.unreadable) and not marks


def address(url: str) -> str:
    """An address without its scheme."""
    return without_spelling(url.partition("://")[2].casefold().rstrip("/"))


def without_spelling(address_: str) -> str:
    """An address without what changes while the shop stays the same: `www.`, the scheme's own port, and whether a name
    in other letters is written in them."""
    host, slash, path = address_.partition("/")
    for port in PORTS:
        host = host.removesuffix(port)
    return _in_ascii(host.removeprefix("www.")) + slash + path


def _in_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def key_mark(settings: ShopSettings) -> str:
    """Stands for the REST key, which cannot be told from it."""
    key, _ = settings.credentials()
    return blake2b(key.get_secret_value().encode(), digest_size=8, person=b"davtari-key").hexdigest()
