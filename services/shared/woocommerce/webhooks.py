"""Webhooks: the shop disables one after seven failures and tells nobody (reference section 8)."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.pages import rows
from services.shared.woocommerce.read import Answered, Text, Whole, reading

ROUTE = "/webhooks"


class Webhook(Answered):
    """A webhook of the shop; `status` is `active`, `paused` or `disabled`. Its secret is never answered."""

    id: Whole
    name: Text = ""
    status: Text = ""
    topic: Text = ""
    delivery_url: Text = ""


async def every(api: Api) -> list[Webhook]:
    """All webhooks, also those of others."""
    return [_webhook(api.shop, row) async for row in rows(api, ROUTE, {"orderby": "id", "order": "asc"})]


async def create(api: Api, topic: str, delivery_url: str, secret: SecretStr) -> Webhook:
    """Makes an active webhook. The shop pings the address at once; a failing ping does no harm (API fact)."""
    body = {"name": f"Davtari {topic}", "topic": topic, "delivery_url": delivery_url, "status": "active"}
    return _webhook(api.shop, await api.write("POST", ROUTE, body | {"secret": secret.get_secret_value()}))


async def create_off(api: Api, name: str, delivery_url: str) -> Webhook:
    """Makes a webhook that is switched off: a note of ours that anyone with a REST key can read, and a copy keeps."""
    body = {"name": name, "topic": "order.restored", "delivery_url": delivery_url, "status": "disabled"}
    return _webhook(api.shop, await api.write("POST", ROUTE, body))


async def enable(api: Api, webhook_id: int) -> Webhook:
    """Revives a disabled webhook; its next failure disables it again, a success forgets the old ones (API fact)."""
    return _webhook(api.shop, await api.write("PUT", f"{ROUTE}/{webhook_id}", {"status": "active"}))


def _webhook(shop: str, row: dict[str, Any]) -> Webhook:
    with reading(f"shop {shop}: webhook {row.get('id')}", Reason.SHOP_BAD_ANSWER):
        return Webhook.model_validate(row)
