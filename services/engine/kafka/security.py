"""How we get into a Kafka that asks who we are: TLS and SASL, as aiokafka wants to be told."""

from __future__ import annotations

import ssl
from typing import Any

from services.settings.kafka import KafkaSettings
from services.settings.load import SettingsError


def access(settings: KafkaSettings) -> dict[str, Any]:
    """The options of every aiokafka client. Raises `SecretMissing`, and `SettingsError` for an unusable certificate."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_context": trust(settings) if settings.uses_tls else None,
    }
    if settings.uses_sasl:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.user_name,
            "sasl_plain_password": settings.password().get_secret_value(),
        }
    return options


def trust(settings: KafkaSettings) -> ssl.SSLContext:
    """The public authorities or those of `ca-file` alone, and our own certificate. Raises `SettingsError`."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"kafka.ca-file {settings.ca_file} holds no certificate in PEM form ({error})") from None
    context.check_hostname = settings.check_hostname
    if settings.certificate_file is not None:
        _identify(context, settings)
    return context


def _identify(context: ssl.SSLContext, settings: KafkaSettings) -> None:
    password = settings.key_password()
    secret = password.get_secret_value() if password else ""  # an empty one fails; None would ask at the terminal
    assert settings.certificate_file is not None, "checked by the caller"
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file, secret)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"kafka.certificate-file {settings.certificate_file}, kafka.key-file {settings.key_file}: no certificate "
            f"and key in PEM form that belong together ({error}); is kafka.key-password-file right?"
        ) from None
