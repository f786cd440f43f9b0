"""Which client a Sale is booked on, and whether Balance must be asked for it first."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.order_exporter.client import Identity, client_document, identity_of
from services.order_exporter.projection import CLIENT, order_client_key
from services.order_exporter.tasks import ClientTask
from services.shared.documents.unbookable import required
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.orders import OrderSettings
from services.shared.state.records import State


@dataclass(frozen=True, slots=True)
class Buyer:
    """A client uid. While `lookup` is there the client is not known yet, and the uid is what it would be created as."""

    client: str
    lookup: ClientTask | None = None


def buyer_of(order: OrderChanged, settings: OrderSettings, balance: BalanceSettings, state: State) -> Buyer:
    """The identity ladder: a number → its known client → a look-up; without a valid number the retail client.

    Raises `Unbookable` when the retail client is needed and not set.
    """
    identity = identity_of(order.person)
    if identity is None:
        return Buyer(_retail(order, settings))
    known = state.get(CLIENT, identity.ref) or state.get(CLIENT, order_client_key(order.key))
    if known is not None:
        return Buyer(known.client)
    return Buyer(identity.ref, _lookup(identity, order, settings, balance))


def _retail(order: OrderChanged, settings: OrderSettings) -> str:
    purpose = f"order {order.number} of shop {order.shop} names no personal or company number that Balance could hold"
    return required(settings.retail_client, order.shop, "retail-client", purpose, Reason.SALE_SETTING_MISSING)


def _lookup(identity: Identity, order: OrderChanged, settings: OrderSettings, balance: BalanceSettings) -> ClientTask:
    return ClientTask(
        shop=order.shop,
        order_id=order.order_id,
        person_ref=order.person_ref,
        identity=identity.ref,
        create=settings.create_clients,
        retail=None if settings.create_clients else _retail(order, settings),
        person=client_document(identity, order, balance.dialect.lists),
    )
