"""TLS and SASL options of aiokafka clients."""

from __future__ import annotations

import ssl
from typing import Any

from services.settings.kafka import KafkaSettings
from services.settings.load import SettingsError


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The options of every aiokafka client. Raises `SecretMissing`, and `SettingsError` for an unusable certificate."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_context": tls_context(settings) if settings.uses_tls else None,
    }
    if settings.uses_sasl:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.user_name,
            "sasl_plain_password": settings.password().get_secret_value(),
        }
    return options


def tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """Trusts the public authorities, or only those in `ca-file`; presents the client certificate, if there is one.

    Raises `SettingsError`.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"kafka.ca-file {settings.ca_file} contains no PEM certificate ({error})") from None
    context.check_hostname = settings.check_hostname
    if settings.certificate_file is not None:
        _load_client_certificate(context, settings)
    return context


def _load_client_certificate(context: ssl.SSLContext, settings: KafkaSettings) -> None:
    password = settings.key_password()
    secret = password.get_secret_value() if password else ""  # None would make OpenSSL ask at the terminal
    assert settings.certificate_file is not None, "checked by the caller"
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file, secret)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"kafka.certificate-file {settings.certificate_file} and kafka.key-file {settings.key_file} are not a PEM "
            f"certificate and its key ({error}); check kafka.key-password-file too"
        ) from None
