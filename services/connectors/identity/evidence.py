"""Is what answers our shop? Signs are weighed: a weak one alone, which the shop's people cause, is not enough (K31)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from contracts.identity import ShopIdentified
from contracts.model import Instant, Money, Part
from contracts.order_statuses import PENDING, UNPLACED_STATUSES, VOID_STATUSES
from services.connectors.http.listing import Listing
from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import parse_amount
from services.connectors.woocommerce.store import Site
from services.connectors.woocommerce.webhooks import Webhook
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, Unavailable
from services.settings.shop import ShopSettings

# What a shop shows of itself: its addresses, its mark, and its orders.

# Orders as signs of identity: what tells an order of ours from another one under the same number.

SAMPLE = 10
"""So many of the newest placed orders are remembered of a shop."""
ORDINARY_LOSS = 2
"""So many of the newest orders may be missing: people delete orders, test orders above all."""
ORDINARY_CHANGE = 1
"""So many numbers may belong to another order: an old database reuses the number of a deleted order after a restart."""
NOT_LASTING = UNPLACED_STATUSES | VOID_STATUSES | {PENDING, "draft", "new"}
"""WooCommerce deletes orders in these statuses by itself, or on a schedule that its settings offer."""


class PlacedOrder(Part):
    """What is remembered of an order. `token` stands for its order key, which WooCommerce draws at random and never
    changes."""

    order: int
    created_at: Instant | None = None
    total: Money | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class OrderLosses:
    """The newest remembered orders that are not in the shop any more, up to the first one that is."""

    missing: tuple[int, ...] = ()
    different: tuple[int, ...] = ()
    confirmed: bool = False

    @property
    def are_evidence(self) -> bool:
        """Whether several orders are missing or different, which an older copy of the shop explains."""
        several = len(self.missing) + len(self.different) > ORDINARY_LOSS
        return several or len(self.different) > ORDINARY_CHANGE


def read_placed_order(row: Mapping[str, Any]) -> PlacedOrder | None:
    """An order from a row of WooCommerce's list; None for a row without a number."""
    if (number := php.id_of(row)) is None:
        return None
    moment, total = php.moment(row.get("date_created_gmt")), parse_amount(row.get("total"))
    return PlacedOrder(order=number, created_at=moment, total=total, token=_token(row.get("order_key")))


def _token(key: object) -> str:
    if not isinstance(key, str) or not key:
        return ""
    return blake2b(key.encode(errors="replace"), digest_size=8, person=b"davtari-ordr").hexdigest()


def is_lasting(row: Mapping[str, Any]) -> bool:
    """Whether an order is placed and stays in the shop unless somebody deletes it."""
    return str(row.get("status") or "new") not in NOT_LASTING


def sort_newest_first(orders: Iterable[PlacedOrder]) -> tuple[PlacedOrder, ...]:
    """The newest orders by number, as many as are remembered."""
    return tuple(sorted(orders, key=lambda one: one.order, reverse=True)[:SAMPLE])


def find_losses(known: Sequence[PlacedOrder], shown: Mapping[int, PlacedOrder], newest: int) -> OrderLosses:
    """Compare remembered orders, newest first, with what the shop shows now; `newest` is its newest placed order.

    An older copy lacks the newest orders, so the first remembered order that is there ends the comparison: older ones
    were deleted or edited by people. A placed order above all that are known says that the shop has gone on.
    """
    missing, different, confirmed = [], [], False
    for one in known:
        there = shown.get(one.order)
        if there is None:
            missing.append(one.order)
        elif (same := _same(one, there)) is not None:
            confirmed = same
            if same:
                break
            different.append(one.order)
    gone_on = bool(known) and newest > known[0].order
    return OrderLosses(() if gone_on else tuple(missing), tuple(different), confirmed)


def _same(known: PlacedOrder, shown: PlacedOrder) -> bool | None:
    """Whether both are one order; None where nothing can be compared. A person may edit the date, or the total."""
    if known.token and shown.token and known.token != shown.token:
        return False
    pairs = [(known.created_at, shown.created_at), (known.total, shown.total)]
    compared = [ours == theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    return any(compared) if compared else None


MARK = "Davtari identity "
"""How the name of the webhook begins that carries our mark; it is switched off and never sends anything."""
LISTED = 3 * SAMPLE
"""So many of the newest orders are listed: abandoned checkouts stand between the placed ones."""
PORTS = (":80", ":443")


class IdentitySource(Protocol):
    """What is read of a shop: three calls, and a fourth and fifth when a known order is not among its newest."""

    async def site(self) -> Site: ...
    async def webhooks(self) -> Listing[Webhook]: ...
    async def newest_orders(self, count: int) -> list[dict[str, Any]]: ...
    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class ShopObservation:
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


async def observe_shop(
    shop: IdentitySource, settings: ShopSettings, known: Iterable[PlacedOrder] = ()
) -> ShopObservation:
    """Look at a shop, and at orders that are known. Raises `UpstreamError`, and `SecretMissing` for a missing key."""
    site = await shop.site()
    if not (site.home or site.url):
        raise Unavailable(f"{settings.url} does not say which site it is: does something in front of the shop answer?")
    rows = await shop.newest_orders(LISTED)
    missing = {one.order for one in known} - {php.id_of(row) for row in rows}
    rows += await shop.orders_by_id(missing) if missing else []
    markers, hidden = await _markers(shop)
    orders = {one.order: one for row in rows if (one := read_placed_order(row))}
    placed = sort_newest_first(one for row in rows if is_lasting(row) and (one := read_placed_order(row)))
    home, wordpress = normalize_address(site.home or site.url), normalize_address(site.url or site.home)
    return ShopObservation(
        normalize_address(settings.url), home, wordpress, compute_key_mark(settings), markers, hidden, orders, placed
    )


async def _markers(shop: IdentitySource) -> tuple[tuple[str, ...], bool]:
    """The marks in a shop; what our key cannot list, or what cannot be read, is hidden."""
    try:
        listed = await shop.webhooks()
    except (AccessDenied, Rejected):
        return (), True
    marks = tuple(hook.name.removeprefix(MARK) for hook in listed.records if hook.name.startswith(MARK))
    return marks, bool(listed.unreadable) and not marks


def normalize_address(url: str) -> str:
    """An address without its scheme."""
    return normalize_host(url.partition("://")[2].casefold().rstrip("/"))


def normalize_host(address_: str) -> str:
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


def compute_key_mark(settings: ShopSettings) -> str:
    """Stands for the REST key, which cannot be told from it."""
    key, _ = settings.credentials()
    return blake2b(key.get_secret_value().encode(), digest_size=8, person=b"davtari-key").hexdigest()


WEAK, STRONG = 1, 2
"""A new key or a deleted mark is ordinary; another address, or several lost orders, are not."""
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class IdentitySign:
    """One thing in which what answers differs from the shop that is known, for a person."""

    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class IdentityVerdict:
    """`signs`: in what the shop differs; `blocked`: whether that is enough to take it for another or an older one."""

    signs: tuple[str, ...] = ()
    blocked: bool = False


def compare_identity(
    known: ShopIdentified, seen: ShopObservation, orders: Sequence[PlacedOrder] = ()
) -> IdentityVerdict:
    """Weigh what a shop shows against what it is known by; `orders`: known orders, newest first.

    A weak sign is enough only where neither the key, nor the mark, nor an order says that the shop is ours.
    """
    lost = find_losses(orders, seen.orders, seen.newest_order)
    signs = [*_address(known, seen), *_access(known, seen), *_orders(lost)]
    weight = sum(sign.weight for sign in signs)
    blocked = weight >= ENOUGH or (weight > 0 and not _confirmed(known, seen, lost))
    return IdentityVerdict(tuple(sign.text for sign in signs), blocked)


def _confirmed(known: ShopIdentified, seen: ShopObservation, lost: OrderLosses) -> bool:
    marked = known.marker is not None and known.marker in seen.markers
    return marked or seen.key_mark == known.key_mark or lost.confirmed


def _address(known: ShopIdentified, seen: ShopObservation) -> Iterator[IdentitySign]:
    if seen.url != normalize_host(known.url):
        yield IdentitySign(f"the settings name {seen.url}, they named {known.url}", STRONG)
    if normalize_host(known.home) not in (seen.home, seen.site):
        yield IdentitySign(f"the shop says that it lives at {seen.home}, ours lives at {known.home}", STRONG)


def _access(known: ShopIdentified, seen: ShopObservation) -> Iterator[IdentitySign]:
    if seen.key_mark != known.key_mark:
        yield IdentitySign("the REST key is another one", WEAK)
    if known.marker and not seen.hidden and known.marker not in seen.markers:
        instead = f" but {', '.join(seen.markers)}" if seen.markers else ""
        yield IdentitySign(f"the webhook {MARK}{known.marker} is not there{instead}", WEAK)


def _orders(lost: OrderLosses) -> Iterator[IdentitySign]:
    if not lost.are_evidence:
        return
    if lost.different:
        yield IdentitySign(
            f"the numbers {_listed(lost.different)} belong to other orders than ours: an older copy?", STRONG
        )
    if lost.missing:
        yield IdentitySign(f"its newest orders {_listed(lost.missing)} are missing: an older copy?", STRONG)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
