"""Webhooks: the shop disables one after seven failures and tells nobody (reference section 8)."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.unreadable import Listing, listed
from services.connectors.woocommerce import lists
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.read import Answered, Id, Scalar, Text, named, reading

ROUTE = "/webhooks"


class Webhook(Answered):
    """A webhook of the shop; `status` is `active`, `paused` or `disabled`. Its secret is never answered."""

    id: Id
    name: Text = ""
    status: Scalar = ""
    topic: Scalar = ""
    delivery_url: Scalar = ""


async def every(api: Api) -> Listing[Webhook]:
    """All webhooks, also those of others."""
    return await listed(lists.every(api, ROUTE, {"orderby": "id", "order": "asc"}, partial(_webhook, api.shop)))


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
    with reading(f"shop {shop}: {named('webhook', row)}", Reason.SHOP_BAD_ANSWER):
        return Webhook.model_validate(row)
