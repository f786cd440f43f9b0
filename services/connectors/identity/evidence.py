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

# Orders as evidence of identity: what distinguishes an order of ours from another one with the same number.

SAMPLE = 10
"""How many of the newest placed orders are stored per shop."""
ORDINARY_LOSS = 2
"""How many of the newest orders may be missing: people delete orders, mostly test orders."""
ORDINARY_CHANGE = 1
"""How many ids may belong to another order: an old database reuses the id of a deleted order after a restart."""
NOT_LASTING = UNPLACED_STATUSES | VOID_STATUSES | {PENDING, "draft", "new"}
"""WooCommerce deletes orders in these statuses by itself, or on a schedule that its settings offer."""


class PlacedOrder(Part):
    """What is stored of an order. `token` is a digest of its order key, which is random and never changes."""

    order: int
    created_at: Instant | None = None
    total: Money | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class OrderLosses:
    """The newest stored orders that are no longer in the shop, up to the first one that is."""

    missing: tuple[int, ...] = ()
    different: tuple[int, ...] = ()
    confirmed: bool = False

    @property
    def are_evidence(self) -> bool:
        """Whether several orders are missing or different, as in an older copy of the shop."""
        several = len(self.missing) + len(self.different) > ORDINARY_LOSS
        return several or len(self.different) > ORDINARY_CHANGE


def read_placed_order(row: Mapping[str, Any]) -> PlacedOrder | None:
    """An order from a row of WooCommerce's list; None for a row without an id."""
    if (number := php.id_of(row)) is None:
        return None
    moment, total = php.moment(row.get("date_created_gmt")), parse_amount(row.get("total"))
    return PlacedOrder(order=number, created_at=moment, total=total, token=_token(row.get("order_key")))


def _token(key: object) -> str:
    if not isinstance(key, str) or not key:
        return ""
    return blake2b(key.encode(errors="replace"), digest_size=8, person=b"davtari-ordr").hexdigest()


def is_lasting(row: Mapping[str, Any]) -> bool:
    """Whether an order is placed and is not deleted by WooCommerce itself."""
    return str(row.get("status") or "new") not in NOT_LASTING


def sort_newest_first(orders: Iterable[PlacedOrder]) -> tuple[PlacedOrder, ...]:
    """The newest orders by id, as many as are stored."""
    return tuple(sorted(orders, key=lambda one: one.order, reverse=True)[:SAMPLE])


def find_losses(known: Sequence[PlacedOrder], shown: Mapping[int, PlacedOrder], newest: int) -> OrderLosses:
    """Compare stored orders, newest first, with those in the shop now; `newest` is its newest placed order.

    An older copy lacks the newest orders, so the first stored order that exists ends the comparison: older ones were
    deleted or edited by people. A placed order above all stored ones means that the shop has continued.
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
    """Whether both are the same order; None if nothing can be compared. A person may edit the date or the total."""
    if known.token and shown.token and known.token != shown.token:
        return False
    pairs = [(known.created_at, shown.created_at), (known.total, shown.total)]
    compared = [ours == theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    return any(compared) if compared else None


MARK = "Davtari identity "
"""The beginning of the name of our marker, a disabled webhook that never sends anything."""
LISTED = 3 * SAMPLE
"""How many of the newest orders are listed: abandoned checkouts are between the placed ones."""
PORTS = (":80", ":443")


class IdentitySource(Protocol):
    """What is read from a shop: three calls, and two more if a known order is not among its newest."""

    async def site(self) -> Site: ...
    async def webhooks(self) -> Listing[Webhook]: ...
    async def newest_orders(self, count: int) -> list[dict[str, Any]]: ...
    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class ShopObservation:
    """What was read from a shop.

    `home` is its stated address, `site` that of WordPress itself: a language plugin may change the first. `hidden`: our
    key cannot read the webhooks, so `markers` is unknown. `orders` are all orders that were read, also those in the
    trash; `placed` the newest lasting ones, newest first.
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
        """The highest id of a placed order; 0 if none is known."""
        return self.placed[0].order if self.placed else 0


async def observe_shop(
    shop: IdentitySource, settings: ShopSettings, known: Iterable[PlacedOrder] = ()
) -> ShopObservation:
    """Read a shop's identity and the known orders. Raises `UpstreamError`, and `SecretMissing` without a key."""
    site = await shop.site()
    if not (site.home or site.url):
        raise Unavailable(f"{settings.url} does not state its site: does something in front of the shop answer?")
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
    """The markers in a shop, and whether they are hidden: not readable or not listable with our key."""
    try:
        listed = await shop.webhooks()
    except (AccessDenied, Rejected):
        return (), True
    marks = tuple(hook.name.removeprefix(MARK) for hook in listed.records if hook.name.startswith(MARK))
    return marks, bool(listed.unreadable) and not marks


def normalize_address(url: str) -> str:
    """An address without its scheme, in a form that can be compared."""
    return normalize_host(url.partition("://")[2].casefold().rstrip("/"))


def normalize_host(address_: str) -> str:
    """An address without parts that may change although the shop is the same: `www.`, the default port, the spelling
    of an internationalized name."""
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
    """A digest that identifies the REST key without revealing it."""
    key, _ = settings.credentials()
    return blake2b(key.get_secret_value().encode(), digest_size=8, person=b"davtari-key").hexdigest()


WEAK, STRONG = 1, 2
"""A new key or a deleted marker is ordinary; another address or several lost orders are not."""
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class IdentitySign:
    """One difference between the answering shop and the known one, for a person."""

    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class IdentityVerdict:
    """`signs`: the differences; `blocked`: whether they show that it is another shop or an older copy."""

    signs: tuple[str, ...] = ()
    blocked: bool = False


def compare_identity(
    known: ShopIdentified, seen: ShopObservation, orders: Sequence[PlacedOrder] = ()
) -> IdentityVerdict:
    """Weigh what a shop shows against its known identity; `orders`: known orders, newest first.

    A weak sign is enough only if neither the key, nor the marker, nor an order confirms the shop.
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
