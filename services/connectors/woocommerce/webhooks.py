"""Webhooks of a shop. It disables one after seven failures in a row and does not report that (WooCommerce fact 64)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.listing import Listing, collect_listing
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.pages import read_records
from services.connectors.woocommerce.read import Answered, Id, Scalar, Text, name_record, reading_record

log = logging.getLogger(__name__)
ROUTE = "/webhooks"
WEBHOOK_TOPICS = ("order.created", "order.updated", "order.deleted", "customer.deleted")
ACTIVE = "active"
WEBHOOK_PATH = "/webhooks/"
"""Where Davtari receives them; the id of the shop follows."""


class Webhook(Answered):
    """A webhook of the shop; `status` is `active`, `paused` or `disabled`. Its secret is never answered."""

    id: Id
    name: Text = ""
    status: Scalar = ""
    topic: Scalar = ""
    delivery_url: Scalar = ""


class WebhookCalls:
    """The calls that concern webhooks."""

    _api: ShopApi

    async def webhooks(self) -> Listing[Webhook]:
        """All webhooks of the shop, including those of others."""
        read = partial(_read_webhook, self._api.shop)
        return await collect_listing(read_records(self._api, ROUTE, {"orderby": "id", "order": "asc"}, read))

    async def create_webhook(self, topic: str, delivery_url: str, secret: SecretStr) -> Webhook:
        """Create an active webhook. The shop pings it at once; a failed ping does no harm (WooCommerce fact 60)."""
        body = {"name": f"Davtari {topic}", "topic": topic, "delivery_url": delivery_url, "status": "active"}
        row = await self._api.write("POST", ROUTE, body | {"secret": secret.get_secret_value()})
        return _read_webhook(self._api.shop, row)

    async def create_disabled_webhook(self, name: str, delivery_url: str) -> Webhook:
        """Create a webhook that sends nothing: a marker that any REST key can read and a copy of the shop keeps."""
        body = {"name": name, "topic": "order.restored", "delivery_url": delivery_url, "status": "disabled"}
        return _read_webhook(self._api.shop, await self._api.write("POST", ROUTE, body))

    async def enable_webhook(self, webhook_id: int) -> Webhook:
        """Activate a disabled webhook; until its first success, one failure disables it again (WooCommerce fact 64)."""
        row = await self._api.write("PUT", f"{ROUTE}/{webhook_id}", {"status": "active"})
        return _read_webhook(self._api.shop, row)


def _read_webhook(shop: str, row: dict[str, Any]) -> Webhook:
    with reading_record(f"shop {shop}: {name_record('webhook', row)}", Reason.SHOP_BAD_ANSWER):
        return Webhook.model_validate(row)


class WebhookAdmin(Protocol):
    """Manages the webhooks of a shop."""

    async def webhooks(self) -> Listing[Webhook]: ...
    async def create_webhook(self, topic: str, delivery_url: str, secret: SecretStr) -> Webhook: ...
    async def enable_webhook(self, webhook_id: int) -> Webhook: ...


@dataclass(frozen=True, slots=True)
class WebhookRepair:
    """What was repaired: the topics whose webhook was created or enabled again."""

    created: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()


async def repair_webhooks(shop: WebhookAdmin, delivery_url: str, secret: SecretStr) -> WebhookRepair:
    """Create missing webhooks and enable disabled ones; webhooks of others and duplicates are not changed.

    While a webhook cannot be read, none is created: it may be the one that seems to be missing.
    """
    listed = await shop.webhooks()
    matching = [hook for hook in listed.records if hook.delivery_url == delivery_url]
    ours = {hook.topic: hook for hook in sorted(matching, key=lambda hook: hook.status == ACTIVE)}
    created = [topic for topic in WEBHOOK_TOPICS if topic not in ours and not listed.unreadable]
    for unreadable in listed.unreadable:
        log.warning("a webhook cannot be read", extra={"why": unreadable.detail})
    disabled = [hook for hook in ours.values() if hook.status != ACTIVE and hook.topic in WEBHOOK_TOPICS]
    for topic in created:
        await shop.create_webhook(topic, delivery_url, secret)
    for hook in disabled:
        await shop.enable_webhook(hook.id)
    return WebhookRepair(tuple(created), tuple(hook.topic for hook in disabled))
