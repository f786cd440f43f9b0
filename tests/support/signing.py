"""A key pair for the whole run: tests sign what people do with it, and services verify it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from contracts.envelope import Envelope, headers, value
from contracts.model import Event
from services.cli.command_keys import KEY_FILE, PUBLIC_KEY_FILE, create_key_pair
from services.engine.kafka.signature import SIGNED, OwnHeaders, Verifier, read_signer, read_verifier
from services.settings.commands import CommandSettings
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings

FOLDER = Path(tempfile.mkdtemp(prefix="davtari-keys-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
create_key_pair(FOLDER)
KEYS = CommandSettings(key_file=FOLDER / KEY_FILE, public_key_file=FOLDER / PUBLIC_KEY_FILE)
SIGNER = read_signer(KEYS)


def sign_event(envelope: Envelope[Event]) -> OwnHeaders:
    """The headers of an event that is published unsealed: signed, if only a person may do it."""
    if envelope.type not in SIGNED and envelope.replayof is None:
        return headers(envelope)
    event = envelope.data
    return SIGNER.sign(event.TOPIC, event.key.encode(), headers(envelope), value(envelope))


def verifier(prefix: str = "davtari.") -> Verifier:
    """What services verify with."""
    return read_verifier(KEYS, prefix)


def with_keys(kafka: KafkaSettings) -> Settings:
    """Settings with these keys and this Kafka; all else is an example."""
    secret = FOLDER / "unused"
    shop = {"url": "https://shop.example.test", "key_file": secret, "secret_file": secret}
    balance = {"transport": "cloud", "application_id": "1234", "user_name": "a", "password_file": secret}
    return Settings.model_validate({"balance": balance, "shops": {"main": shop}, "kafka": kafka, "commands": KEYS})
