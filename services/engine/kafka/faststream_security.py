"""How we get into a Kafka that asks who we are, as FastStream wants to be told."""

from __future__ import annotations

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from services.engine.kafka.security import trust
from services.settings.kafka import KafkaSettings

_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def faststream_access(settings: KafkaSettings) -> BaseSecurity:
    """The same as `access`. Raises `SecretMissing`, and `SettingsError` for an unusable certificate."""
    context = trust(settings) if settings.uses_tls else None
    if not settings.uses_sasl:
        return BaseSecurity(ssl_context=context)
    password = settings.password().get_secret_value()
    return _MECHANISMS[settings.sasl_mechanism](str(settings.user_name), password, ssl_context=context)
