"""Webhooks: which are there, which are off, and which call an address where nobody listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from contracts.topics import TOPICS
from services.accounting.checks.finding import FLOWS, Finding, left_out
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.webhooks import Webhook
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import CREATE, TopicFault, create_topics, find_topic_faults, fix_topic_configs
from services.settings.base import SecretMissing, read_secret
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings
from services.store_feed.watchdog import ACTIVE, Mended, mend
from services.store_feed.watchdog import TOPICS as WEBHOOK_TOPICS
from services.store_feed.webhook import PATH

# Kafka as `davtari check` sees it: is it there, are the topics as the manifest says, may we have them made.


def kafka_title(settings: KafkaSettings) -> str:
    """Which Kafka, and as whom."""
    who = f", as {settings.user_name} ({settings.sasl_mechanism})" if settings.uses_sasl else ""
    return f"Kafka     {settings.bootstrap_servers}   {settings.security_protocol}{who}"


async def topic_findings(settings: KafkaSettings) -> list[Finding]:
    """What is to be said of the topics. Raises `KafkaUnreachable`."""
    async with open_admin(settings) as asked:
        faults = await find_topic_faults(asked, settings)
    missing = [fault.topic for fault in faults if fault.kind == "missing"]
    told = f"{len(TOPICS) - len(missing)} of {len(TOPICS)} topics there"
    told += f"; missing: {', '.join(missing)}" if missing else ""
    found = [Finding("topics", not missing, told, CREATE if missing else "", FLOWS)]
    return [
        *found,
        *[_to_finding(fault) for fault in faults if fault.kind != "missing"],
        *_encryption_findings(settings),
    ]


def _to_finding(fault: TopicFault) -> Finding:
    return Finding("topic", None if fault.kind == "partitions" else False, fault.message, fault.fix)


def _encryption_findings(settings: KafkaSettings) -> list[Finding]:
    if settings.security_protocol != "SASL_PLAINTEXT" or settings.sasl_mechanism != "PLAIN":
        return []
    told = "the password travels unencrypted"
    return [Finding("kafka.security-protocol", None, told, 'use "SASL_SSL", or a SCRAM mechanism')]


async def fix_topics(settings: KafkaSettings) -> list[str]:
    """Make missing topics and set the configuration of those that differ; gives what was done. Safe to repeat."""
    made = [f"topic {name} made" for name in await create_topics(settings)]
    return made + [f"topic {changed}" for changed in await fix_topic_configs(settings)]


# The files with secrets, each by its key in the settings: what `davtari up` would stop at is found before.

GENERATE_SECRET = """python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > {path}"""
"""What makes a secret that only we and the shop's webhooks need to know."""


def secret_findings(settings: Settings) -> list[Finding]:
    """A finding for each secret that cannot be read, or one for all."""
    files = list(_secret_files(settings))
    wrong = [found for key, path in files if (found := _check_secret(key, path))]
    return wrong or [Finding("secrets", True, f"{len(files)} files read")]


def _secret_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "balance.password-file", settings.balance.password_file
    for name, shop in settings.shops.items():
        yield f"shops.{name}.key-file", shop.key_file
        yield f"shops.{name}.secret-file", shop.secret_file
        for path in shop.webhook_secret_files:
            yield f"shops.{name}.webhook-secret-files", path
    if settings.kafka.password_file:
        yield "kafka.password-file", settings.kafka.password_file
    if settings.kafka.key_password_file:
        yield "kafka.key-password-file", settings.kafka.key_password_file
    for name, recipient in (settings.alerts.recipients if settings.alerts else {}).items():
        yield f"alerts.recipients.{name}.url-file", recipient.url_file


def _check_secret(key: str, path: Path) -> Finding | None:
    try:
        read_secret(path, key)
    except SecretMissing as error:
        fix = GENERATE_SECRET.format(path=path) if "webhook" in key else f"write the secret into {path}, one line"
        flows = () if key.startswith("alerts.") else FLOWS
        return Finding(key, False, str(error).removeprefix(f"{key}: ").partition(";")[0], fix, flows)
    return None


PORTS = (80, 443, 8080)
"""WordPress calls no other (API fact)."""
FIX_WEBHOOKS = "davtari check --mend   creates and enables them"
WEBHOOKS_PAGE = "WooCommerce → Settings → Advanced → Webhooks"


def webhook_url(settings: Settings, shop: str) -> str | None:
    """Where the shop's webhooks must go; None when the settings do not say."""
    base = settings.receiver.public_url
    return None if base is None else base.rstrip("/") + PATH + shop


async def webhook_findings(client: WooCommerce, settings: Settings, shop: str) -> list[Finding]:
    """What is to be said of a shop's webhooks. Raises `UpstreamError`, `SecretMissing`."""
    url = webhook_url(settings, shop)
    if url is None:
        told = "receiver.public-url is not set: changes are found by the sweep only, a minute later"
        return [Finding("webhooks", None, told, "set it to the address under which the shop reaches store-feed")]
    if not settings.shops[shop].webhook_secrets():
        fix = f"shops.{shop}.webhook-secret-files: a file with a long random text"
        return [Finding("webhooks", False, "there is no secret to sign them with", fix, ())]
    listed = await client.webhooks()
    found = [
        *_public_url_findings(url),
        _webhook_status(listed.records, url),
        *_old_webhooks(listed.records, url, shop),
    ]
    return [*found, *left_out("webhooks", listed.unreadable, WEBHOOKS_PAGE)]


def _public_url_findings(url: str) -> list[Finding]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = []
    if parts.scheme != "https":
        found.append(Finding("receiver.public-url", None, "orders travel unencrypted", "put it behind https"))
    if port not in PORTS:
        told = f"port {port}: a usual WordPress calls {', '.join(map(str, PORTS))} only"
        found.append(Finding("receiver.public-url", None, told, "let a proxy take the webhooks on port 443"))
    return found


def _webhook_status(hooks: Sequence[Webhook], url: str) -> Finding:
    status = {
        hook.topic: hook.status for hook in sorted(hooks, key=lambda h: h.status == ACTIVE) if _delivers_to(hook, url)
    }
    missing = [topic for topic in WEBHOOK_TOPICS if topic not in status]
    off = [f"{topic} is {status[topic]}" for topic in WEBHOOK_TOPICS if topic in status and status[topic] != ACTIVE]
    told = [f"{len(WEBHOOK_TOPICS) - len(missing)} of {len(WEBHOOK_TOPICS)} there"]
    told += off
    told += [f"{', '.join(missing)} missing"] if missing else []
    fine = not missing and not off
    return Finding(
        "webhooks", fine, ", ".join(told), "" if fine else f"{FIX_WEBHOOKS}; store-feed does so while it runs", ()
    )


def _old_webhooks(hooks: Sequence[Webhook], url: str, shop: str) -> list[Finding]:
    """Ours of old: another host, the same ending."""
    lost = [hook for hook in hooks if hook.delivery_url.endswith(PATH + shop) and not _delivers_to(hook, url)]
    return [
        Finding(
            "webhook",
            None,
            f"#{hook.id} {hook.topic} calls {hook.delivery_url}, not {url}",
            f"if that is an old address of Davtari, delete it: {WEBHOOKS_PAGE}",
        )
        for hook in lost
        if hook.topic in WEBHOOK_TOPICS
    ]


def _delivers_to(hook: Webhook, url: str) -> bool:
    return hook.delivery_url == url


async def fix_webhooks(client: WooCommerce, settings: Settings, shop: str) -> list[str]:
    """Create and enable what is missing or off; gives what was done. Safe to repeat."""
    url = webhook_url(settings, shop)
    secrets = settings.shops[shop].webhook_secrets()
    if url is None or not secrets:
        return []
    done: Mended = await mend(client, url, secrets[0])
    made = [f"shop {shop}: webhook {topic} made, it calls {url}" for topic in done.created]
    return made + [f"shop {shop}: webhook {topic} switched on again" for topic in done.enabled]
