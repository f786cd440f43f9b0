"""Webhooks of a shop. It disables one after seven failures in a row and does not report that (WooCommerce fact 64)."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.listing import Listing, collect_listing
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.pages import read_records
from services.connectors.woocommerce.read import Answered, Id, Scalar, Text, name_record, reading_record

ROUTE = "/webhooks"


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
