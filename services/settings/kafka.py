"""Where the topics are, and how to get in: plain, TLS, SASL, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from services.settings.base import Section, read_secret

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaSettings(Section):
    """Where the topics are. The names of protocols and mechanisms are Kafka's own."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", min_length=1)
    topic_prefix: str = "davtari."
    replication_factor: int = Field(default=1, ge=1)
    send_timeout: float = Field(default=30.0, gt=0, description="seconds before an unacknowledged send is unknown")
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    user_name: str | None = Field(default=None, description="the SASL user; davtari rights show lists them")
    password_file: Path | None = None
    ca_file: Path | None = Field(default=None, description="PEM: who signs the brokers' certificates")
    certificate_file: Path | None = Field(default=None, description="PEM: our own certificate, for mutual TLS")
    key_file: Path | None = Field(default=None, description="PEM: its private key, if it is not in certificate-file")
    key_password_file: Path | None = None
    check_hostname: bool = Field(default=True, description="a broker's certificate must name the host that was called")

    @model_validator(mode="after")
    def _complete(self) -> KafkaSettings:
        if self.uses_sasl and not (self.user_name and self.password_file):
            raise ValueError(f"security-protocol {self.security_protocol} needs user-name and password-file")
        if not self.uses_sasl and (self.user_name or self.password_file):
            raise ValueError('user-name and password-file need security-protocol = "SASL_SSL" (or "SASL_PLAINTEXT")')
        files = ("ca_file", "certificate_file", "key_file", "key_password_file")
        given = [name.replace("_", "-") for name in files if getattr(self, name)]
        if given and not self.uses_tls:
            raise ValueError(f'{", ".join(given)} need security-protocol = "SSL" or "SASL_SSL"')
        if (self.key_file or self.key_password_file) and not self.certificate_file:
            raise ValueError("key-file and key-password-file need certificate-file")
        return self

    def group(self, service: str) -> str:
        """The consumer group of a service, whichever state database it has: it says who is at work, and the lag."""
        return f"{self.topic_prefix}{service}.state"

    @property
    def uses_sasl(self) -> bool:
        """Whether we sign in with a user name."""
        return self.security_protocol.startswith("SASL")

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def authenticates(self) -> bool:
        """Whether we say who we are: by a password or by a certificate."""
        return self.uses_sasl or self.certificate_file is not None

    def password(self) -> SecretStr:
        """The SASL password from its file. Raises `SecretMissing`."""
        assert self.password_file is not None, "only asked where SASL is used"
        return read_secret(self.password_file, "kafka.password-file")

    def key_password(self) -> SecretStr | None:
        """The password of the private key, if it has one. Raises `SecretMissing`."""
        return read_secret(self.key_password_file, "kafka.key-password-file") if self.key_password_file else None
