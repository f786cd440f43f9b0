"""Webhooks: which are there, which are off, and which call an address where nobody listens."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from services.accounting.checks.finding import Finding, left_out
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.webhooks import Webhook
from services.settings.model import Settings
from services.store_feed.watchdog import ACTIVE, TOPICS, Mended, mend
from services.store_feed.webhook import PATH

PORTS = (80, 443, 8080)
"""WordPress calls no other (API fact)."""
MEND = "davtari check --mend   creates and enables them"
MENU = "WooCommerce → Settings → Advanced → Webhooks"


def address(settings: Settings, shop: str) -> str | None:
    """Where the shop's webhooks must go; None when the settings do not say."""
    base = settings.receiver.public_url
    return None if base is None else base.rstrip("/") + PATH + shop


async def findings(client: WooCommerce, settings: Settings, shop: str) -> list[Finding]:
    """What is to be said of a shop's webhooks. Raises `UpstreamError`, `SecretMissing`."""
    url = address(settings, shop)
    if url is None:
        told = "receiver.public-url is not set: changes are found by the sweep only, a minute later"
        return [Finding("webhooks", None, told, "set it to the address under which the shop reaches store-feed")]
    if not settings.shops[shop].webhook_secrets():
        fix = f"shops.{shop}.webhook-secret-files: a file with a long random text"
        return [Finding("webhooks", False, "there is no secret to sign them with", fix, ())]
    listed = await client.webhooks()
    found = [*_reachable(url), _standing(listed.records, url), *_elsewhere(listed.records, url, shop)]
    return [*found, *left_out("webhooks", listed.unreadable, MENU)]


def _reachable(url: str) -> list[Finding]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = []
    if parts.scheme != "https":
        found.append(Finding("receiver.public-url", None, "orders travel unencrypted", "put it behind https"))
    if port not in PORTS:
        told = f"port {port}: a usual WordPress calls {', '.join(map(str, PORTS))} only"
        found.append(Finding("receiver.public-url", None, told, "let a proxy take the webhooks on port 443"))
    return found


def _standing(hooks: Sequence[Webhook], url: str) -> Finding:
    status = {hook.topic: hook.status for hook in sorted(hooks, key=lambda h: h.status == ACTIVE) if _same(hook, url)}
    missing = [topic for topic in TOPICS if topic not in status]
    off = [f"{topic} is {status[topic]}" for topic in TOPICS if topic in status and status[topic] != ACTIVE]
    told = [f"{len(TOPICS) - len(missing)} of {len(TOPICS)} there"]
    told += off
    told += [f"{', '.join(missing)} missing"] if missing else []
    fine = not missing and not off
    return Finding("webhooks", fine, ", ".join(told), "" if fine else f"{MEND}; store-feed does so while it runs", ())


def _elsewhere(hooks: Sequence[Webhook], url: str, shop: str) -> list[Finding]:
    """Ours of old: another host, the same ending."""
    lost = [hook for hook in hooks if hook.delivery_url.endswith(PATH + shop) and not _same(hook, url)]
    return [
        Finding(
            "webhook",
            None,
            f"#{hook.id} {hook.topic} calls {hook.delivery_url}, not {url}",
            f"if that is an old address of Davtari, delete it: {MENU}",
        )
        for hook in lost
        if hook.topic in TOPICS
    ]


def _same(hook: Webhook, url: str) -> bool:
    return hook.delivery_url == url


async def mended(client: WooCommerce, settings: Settings, shop: str) -> list[str]:
    """Create and enable what is missing or off; gives what was done. Safe to repeat."""
    url = address(settings, shop)
    secrets = settings.shops[shop].webhook_secrets()
    if url is None or not secrets:
        return []
    done: Mended = await mend(client, url, secrets[0])
    made = [f"shop {shop}: webhook {topic} made, it calls {url}" for topic in done.created]
    return made + [f"shop {shop}: webhook {topic} switched on again" for topic in done.enabled]
