"""Checks of what an installation needs besides Balance and the shops: Kafka topics, secret files, webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from contracts.topics import TOPICS
from services.accounting.checks.findings import FLOWS, Finding, describe_left_out
from services.accounting.checks.kafka import check_broker_rights
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.webhooks import (
    ACTIVE,
    WEBHOOK_PATH,
    WEBHOOK_TOPICS,
    Webhook,
    WebhookRepair,
    repair_webhooks,
)
from services.engine.kafka.connection import open_admin
from services.engine.kafka.signature import read_public_keys, read_signer
from services.engine.kafka.topics import CREATE, TopicFault, create_topics, find_topic_faults, fix_topic_configs
from services.settings.base import SecretMissing, read_secret
from services.settings.commands import CommandSettings
from services.settings.kafka import KafkaSettings
from services.settings.model import PrivacySettings, Settings

GENERATE_SECRET = """python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > {path}"""
"""Creates a secret that no other system issues: for the shop's webhooks, or for readers of metrics."""
KEYS_FIX = "davtari command-keys   creates the keys and prints what to set"
PORTS = (80, 443, 8080)
"""The only ports that WordPress calls by default (WooCommerce fact 66)."""
FIX_WEBHOOKS = "davtari check --fix   creates and enables them"
WEBHOOKS_PAGE = "WooCommerce → Settings → Advanced → Webhooks"


def kafka_title(settings: KafkaSettings) -> str:
    """The heading of the findings about Kafka: its address and the user."""
    user = f", as {settings.user_name} ({settings.sasl_mechanism})" if settings.uses_sasl else ""
    return f"Kafka     {settings.bootstrap_servers}   {settings.security_protocol}{user}"


async def topic_findings(settings: KafkaSettings) -> list[Finding]:
    """Compare the topics with the manifest. Raises `KafkaUnreachable`."""
    async with open_admin(settings) as client:
        faults = await find_topic_faults(client, settings)
    missing = [fault.topic for fault in faults if fault.kind == "missing"]
    text = f"{len(TOPICS) - len(missing)} of {len(TOPICS)} topics exist"
    text += f"; missing: {', '.join(missing)}" if missing else ""
    summary = Finding("topics", not missing, text, CREATE if missing else "", FLOWS)
    others = [_to_finding(fault) for fault in faults if fault.kind != "missing"]
    return [summary, *others, *await check_broker_rights(settings), *_encryption_findings(settings)]


def _to_finding(fault: TopicFault) -> Finding:
    return Finding("topic", None if fault.kind == "partitions" else False, fault.message, fault.fix)


def _encryption_findings(settings: KafkaSettings) -> list[Finding]:
    if settings.security_protocol != "SASL_PLAINTEXT" or settings.sasl_mechanism != "PLAIN":
        return []
    fix = 'use "SASL_SSL", or a SCRAM mechanism'
    return [Finding("kafka.security-protocol", None, "the password is sent unencrypted", fix)]


async def fix_topics(settings: KafkaSettings) -> list[str]:
    """Create missing topics and correct the configuration of the others. Returns one text per change.

    Safe to repeat.
    """
    created = [f"topic {name} created" for name in await create_topics(settings)]
    return created + [f"topic {change}" for change in await fix_topic_configs(settings)]


def secret_findings(settings: Settings) -> list[Finding]:
    """One finding for each secret file that cannot be read, or one for all if every file can be read."""
    files = list(_secret_files(settings))
    missing = [finding for key, path in files if (finding := _check_secret(key, path))]
    missing += _check_privacy_secret(settings.privacy)
    return missing or [Finding("secrets", True, f"{len(files) + 1} files readable")]


def _check_privacy_secret(settings: PrivacySettings) -> list[Finding]:
    try:
        settings.secret()
    except SecretMissing as error:
        what, _, fix = str(error).partition("; ")
        return [Finding("privacy.secret-file", False, what.removeprefix("privacy.secret-file: "), fix, FLOWS)]
    return []


def command_findings(settings: CommandSettings) -> list[Finding]:
    """Whether commands can be verified here, and whether the private key, if it is here, belongs to the public one."""
    key = "commands.public-key-file"
    if settings.public_key_file is None:
        return [Finding(key, False, "is not set: no command takes effect, and no service starts", KEYS_FIX, FLOWS)]
    try:
        public = read_public_keys(settings.public_key_file)
        signer = read_signer(settings) if settings.key_file else None
    except SecretMissing as error:
        name, _, text = str(error).partition(": ")
        return [Finding(name, False, text.partition("; ")[0], KEYS_FIX, FLOWS)]
    if signer is None:
        return [Finding("commands", None, "no commands.key-file: commands cannot be given from this machine", "")]
    if not signer.belongs_to(public):
        text = "does not belong to commands.key-file: services will refuse what is asked from here"
        return [Finding(key, False, text, "add the public key of commands.key-file to that file", FLOWS)]
    return [Finding("commands", True, "the keys belong together")]


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
    if settings.telemetry.token_file:
        yield "telemetry.token-file", settings.telemetry.token_file
    for name, recipient in (settings.alerts.recipients if settings.alerts else {}).items():
        yield f"alerts.recipients.{name}.url-file", recipient.url_file


def _check_secret(key: str, path: Path) -> Finding | None:
    try:
        read_secret(path, key)
    except SecretMissing as error:
        fix = GENERATE_SECRET.format(path=path) if _is_ours(key) else f"write the secret into {path}, on one line"
        flows = () if key.startswith(("alerts.", "telemetry.")) else FLOWS
        return Finding(key, False, str(error).removeprefix(f"{key}: ").partition(";")[0], fix, flows)
    return None


def _is_ours(key: str) -> bool:
    """Whether no other system issues the secret."""
    return "webhook" in key or key.startswith("telemetry.")


def webhook_url(settings: Settings, shop: str) -> str | None:
    """The delivery URL of the shop's webhooks; None if `receiver.public-url` is not set."""
    base = settings.receiver.public_url
    return None if base is None else base.rstrip("/") + WEBHOOK_PATH + shop


async def webhook_findings(client: WooCommerce, settings: Settings, shop: str) -> list[Finding]:
    """Check that a shop's webhooks exist, are active and deliver to us. Raises `UpstreamError`, `SecretMissing`."""
    url = webhook_url(settings, shop)
    if url is None:
        text = "receiver.public-url is not set: changes are found by polling only, about a minute later"
        return [Finding("webhooks", None, text, "set it to the address at which the shop reaches store-feed")]
    if not settings.shops[shop].webhook_secrets():
        fix = f"set shops.{shop}.webhook-secret-files to a file with a long random text"
        return [Finding("webhooks", False, "no secret to sign them with", fix, ())]
    listed = await client.webhooks()
    old = _old_webhooks(listed.records, url, shop)
    unreadable = describe_left_out("webhooks", listed.unreadable, WEBHOOKS_PAGE)
    return [*_public_url_findings(url), _webhook_status(listed.records, url), *old, *unreadable]


def _public_url_findings(url: str) -> list[Finding]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = []
    if parts.scheme != "https":
        found.append(Finding("receiver.public-url", None, "orders are sent unencrypted", "use an https address"))
    if port not in PORTS:
        text = f"port {port}: by default WordPress calls only the ports {', '.join(map(str, PORTS))}"
        found.append(Finding("receiver.public-url", None, text, "receive webhooks through a proxy on port 443"))
    return found


def _webhook_status(hooks: Sequence[Webhook], url: str) -> Finding:
    ours = sorted((hook for hook in hooks if _delivers_to(hook, url)), key=lambda hook: hook.status == ACTIVE)
    status = {hook.topic: hook.status for hook in ours}
    missing = [topic for topic in WEBHOOK_TOPICS if topic not in status]
    inactive = [f"{topic} is {status[topic]}" for topic in WEBHOOK_TOPICS if status.get(topic, ACTIVE) != ACTIVE]
    texts = [f"{len(WEBHOOK_TOPICS) - len(missing)} of {len(WEBHOOK_TOPICS)} exist", *inactive]
    texts += [f"{', '.join(missing)} missing"] if missing else []
    ok = not missing and not inactive
    fix = "" if ok else f"{FIX_WEBHOOKS}; a running store-feed does so too"
    return Finding("webhooks", ok, ", ".join(texts), fix, ())


def _old_webhooks(hooks: Sequence[Webhook], url: str, shop: str) -> list[Finding]:
    """Webhooks with our path on another host: probably left from an earlier address of Davtari."""
    old = [hook for hook in hooks if hook.delivery_url.endswith(WEBHOOK_PATH + shop) and not _delivers_to(hook, url)]
    return [
        Finding(
            "webhook",
            None,
            f"#{hook.id} {hook.topic} delivers to {hook.delivery_url}, not {url}",
            f"if that is an earlier address of Davtari, delete the webhook: {WEBHOOKS_PAGE}",
        )
        for hook in old
        if hook.topic in WEBHOOK_TOPICS
    ]


def _delivers_to(hook: Webhook, url: str) -> bool:
    return hook.delivery_url == url


async def fix_webhooks(client: WooCommerce, settings: Settings, shop: str) -> list[str]:
    """Create missing webhooks and enable inactive ones. Returns one text per change. Safe to repeat."""
    url = webhook_url(settings, shop)
    secrets = settings.shops[shop].webhook_secrets()
    if url is None or not secrets:
        return []
    done: WebhookRepair = await repair_webhooks(client, url, secrets[0])
    created = [f"shop {shop}: webhook {topic} created, delivers to {url}" for topic in done.created]
    return created + [f"shop {shop}: webhook {topic} enabled" for topic in done.enabled]
