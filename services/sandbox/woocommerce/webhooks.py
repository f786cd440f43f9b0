"""The webhooks resource, and when a failing webhook is disabled."""

from __future__ import annotations

from urllib.parse import urlsplit

from services.sandbox.woocommerce import errors, resources, values
from services.sandbox.woocommerce.errors import RestError, invalid_id, not_trashable
from services.sandbox.woocommerce.resources import ListQuery, SearchResult
from services.sandbox.woocommerce.shop import Document, SandboxShop

WEBHOOK_EVENTS = ("created", "updated", "deleted", "restored")
WORDPRESS_HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "product.created": ["woocommerce_new_product", "woocommerce_new_product_variation"],
    "product.updated": ["woocommerce_update_product", "woocommerce_update_product_variation"],
}
WEBHOOK_TOPICS = {
    f"{resource}.{event}" for resource in ("order", "product", "customer", "coupon") for event in WEBHOOK_EVENTS
}
REQUIRED_PARAMETERS = ("topic", "delivery_url")
HIDDEN_FIELDS = ("secret", "failure_count", "ping_due")
TOLERATED_FAILURES = 6


class Webhooks:
    """The shop's webhooks. A created or activated one is pinged by `WebhookQueue` before the response is sent."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates a webhook, active unless the body has a status."""
        if missing := [name for name in REQUIRED_PARAMETERS if name not in body]:
            message = f"Missing parameter(s): {', '.join(missing)}"
            raise RestError(400, "rest_missing_callback_param", message, params=missing)
        if strict:
            errors.check_parameters(body, errors.WEBHOOK)
        check_topic(body["topic"])
        check_url(body["delivery_url"])
        webhook = self._blank(body)
        values.set_date(webhook, "date_created", self.shop.now())
        values.set_date(webhook, "date_modified", None)
        self.shop.webhooks[webhook["id"]] = webhook
        return self._shown(webhook)

    def read(self, document_id: int) -> Document:
        """One webhook, never its secret."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a webhook; activating it keeps its failure count (WooCommerce fact 64)."""
        if strict:
            errors.check_parameters(body, errors.WEBHOOK)
        webhook = self._own(document_id)
        if body.get("topic") is not None:
            check_topic(body["topic"])
        if body.get("delivery_url") is not None:
            check_url(body["delivery_url"])
        if body.get("status") == "active" != webhook["status"]:
            webhook["ping_due"] = "now"
        named = ("name", "status", "topic", "delivery_url", "secret")
        webhook.update({name: body[name] for name in named if body.get(name) is not None})
        values.set_date(webhook, "date_modified", self.shop.now())
        return self._shown(webhook)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a webhook; it has no trash."""
        webhook = self._own(document_id)
        if not force:
            raise not_trashable()
        del self.shop.webhooks[document_id]
        return self._shown(webhook)

    def search(self, query: ListQuery) -> SearchResult:
        """Webhooks, optionally of one status."""
        status = query.get("status", "all")
        found = [w for w in self.shop.webhooks.values() if status in ("all", w["status"])]
        return SearchResult(resources.sort_documents(resources.filter_by_id(found, query), query), self._shown)

    def _blank(self, body: Document) -> Document:
        status = body.get("status") or "active"
        return {
            "id": self.shop.webhook_ids(),
            "name": body.get("name") or f"Webhook created on {self.shop.now():%b %d, %Y}",
            "status": status,
            "topic": body["topic"],
            "delivery_url": body["delivery_url"],
            "secret": body.get("secret") or "",
            "failure_count": 0,
            "ping_due": "now" if status == "active" else "",
        }

    def _own(self, document_id: int) -> Document:
        if document_id not in self.shop.webhooks:
            raise invalid_id("woocommerce_rest_shop_webhook_invalid_id")
        return self.shop.webhooks[document_id]

    def _shown(self, webhook: Document) -> Document:
        resource, _, event = webhook["topic"].partition(".")
        derived = {"resource": resource, "event": event, "hooks": WORDPRESS_HOOKS.get(webhook["topic"], [])}
        links = self.shop.links(f"/webhooks/{webhook['id']}", "/webhooks")
        return {k: v for k, v in webhook.items() if k not in HIDDEN_FIELDS} | derived | {"_links": links}


def check_topic(topic: object) -> None:
    """Raises RestError 400 for an unknown topic."""
    if topic not in WEBHOOK_TOPICS:
        message = "Webhook topic is required and must be valid."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_topic", message)


def check_url(url: object) -> None:
    """Raises RestError 400 for an invalid URL."""
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message)


def record_result(shop: SandboxShop, webhook: Document, delivered: bool) -> None:
    """Counts consecutive failures; the seventh disables the webhook silently (WooCommerce fact 64)."""
    webhook["failure_count"] = 0 if delivered else webhook["failure_count"] + 1
    if webhook["failure_count"] > TOLERATED_FAILURES and webhook["status"] == "active":
        webhook["status"] = "disabled"
        values.set_date(webhook, "date_modified", shop.now())
