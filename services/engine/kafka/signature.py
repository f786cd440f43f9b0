"""Signatures of what people do: nobody acts as a person only because they can write to Kafka.

Commands, corrected records (`ce_replayof`) and deletions of keys of personal data are signed. The signature is in the
header `ce_commandsignature`: Ed25519, base64url without padding, over the topic (without the prefix), the record's key,
the value as it is published, and all other `ce_` headers by name, each preceded by its length in eight bytes. So it
covers the person, the subject, the version and the time, and fits no other record.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from contracts.envelope import Headers, Undecodable
from contracts.operations import COMMANDS
from contracts.privacy import PersonForgotten
from contracts.reasons import Reason
from contracts.registry import EARLIER, EVENTS, TOPIC_OF
from services.engine.kafka.record import Record
from services.settings.base import SecretMissing, read_secret
from services.settings.commands import CommandSettings, Offsets

OwnHeaders = Sequence[tuple[str, bytes]]
HEADER = "ce_commandsignature"
DOMAIN = b"davtari command signature 1"
END = "-----END PUBLIC KEY-----"
FIX = "davtari command-keys makes the keys and prints what to set"
SIGNED = frozenset(
    {event.TYPE for event in EVENTS if event.TOPIC == COMMANDS} | EARLIER.keys() | {PersonForgotten.TYPE}
)
"""The types of events that state what a person does."""


def signed_bytes(topic: str, key: bytes, headers: Headers, value: bytes) -> bytes:
    """What a signature covers. Raises `ValueError` if a header is null. `topic` is without the prefix."""
    attributes = sorted((pair for pair in headers if pair[0].startswith("ce_") and pair[0] != HEADER), key=_name)
    parts = [DOMAIN, topic.encode(), key, value]
    for name, raw in attributes:
        if raw is None:
            raise ValueError(f"the header {name} is null")
        parts += [name.encode(errors="surrogatepass"), raw]
    return b"".join(len(part).to_bytes(8) + part for part in parts)


def _name(pair: tuple[str, bytes | None]) -> str:
    return pair[0]


class Signer:
    """Signs records with the private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, topic: str, key: bytes, headers: OwnHeaders, value: bytes) -> OwnHeaders:
        """The headers with the signature. `topic` is without the prefix, `value` as it will be published."""
        unsigned = [(name, raw) for name, raw in headers if name != HEADER]
        signature = self._key.sign(signed_bytes(topic, key, unsigned, value))
        return [*unsigned, (HEADER, urlsafe_b64encode(signature).rstrip(b"="))]

    def belongs_to(self, keys: Iterable[Ed25519PublicKey]) -> bool:
        """Whether one of these public keys verifies what it signs."""
        own = _raw(self._key.public_key())
        return any(_raw(key) == own for key in keys)


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Decides which records may count before anything else is done with them.

    `unsigned_before`: by topic without the prefix, the offset of each partition below which nothing was signed yet.
    """

    keys: tuple[Ed25519PublicKey, ...]
    prefix: str
    unsigned_before: Mapping[str, Offsets]

    def records(self, records: Iterable[Record]) -> Sequence[Record]:
        """The records; those that must not count have the reason in `opened`."""
        return [self.check(record) for record in records]

    def check(self, record: Record) -> Record:
        """One record, as `records` returns it."""
        marks = {name: raw for name, raw in record.headers if name in ("ce_type", "ce_replayof")}
        if "ce_type" not in marks:
            return record
        type_ = (marks["ce_type"] or b"").decode(errors="replace")
        topic = record.topic.removeprefix(self.prefix)
        earlier = self._is_earlier(record, topic)
        if fault := _misplaced(type_, topic) or self._unsigned(record, topic, type_, earlier, "ce_replayof" in marks):
            return replace(record, opened=fault)
        return replace(record, earlier=True) if earlier else record

    def _is_earlier(self, record: Record, topic: str) -> bool:
        """Whether it was written before anything was signed. A record out of a dead letter has no place of its own."""
        before = self.unsigned_before.get(topic, ())
        return not record.restored and record.partition < len(before) and record.offset < before[record.partition]

    def _unsigned(self, record: Record, topic: str, type_: str, earlier: bool, corrects: bool) -> Undecodable | None:
        if earlier or not (type_ in SIGNED or corrects):
            return None
        what = f"{type_} in {record.topic}, partition {record.partition}, offset {record.offset}"
        if type_ in EARLIER:
            return Undecodable(Reason.COMMAND_SIGNATURE, f"{what} is a command from before commands were signed")
        if fault := self._fault(record, topic):
            return Undecodable(Reason.COMMAND_SIGNATURE, f"{what} {fault}")
        return None

    def _fault(self, record: Record, topic: str) -> str:
        """What is wrong with the signature; empty if it is valid."""
        signature = dict(record.headers).get(HEADER)
        if signature is None or record.key is None or record.value is None:
            return "is not signed"
        if not self.keys:
            return f"cannot be verified: commands.public-key-file is not set; {FIX}"
        try:
            signed = signed_bytes(topic, record.key, record.headers, record.value)
            raw = urlsafe_b64decode(signature + b"==")
        except ValueError:
            return "has a signature that cannot be read"
        return "" if any(_verifies(key, raw, signed) for key in self.keys) else "has a wrong signature"


def _misplaced(type_: str, topic: str) -> Undecodable | None:
    own = TOPIC_OF.get(type_, topic)
    if own == topic:
        return None
    return Undecodable(Reason.RECORD_WRONG_TOPIC, f"{type_} belongs to the topic {own} and was found in {topic}")


def _verifies(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def read_verifier(settings: CommandSettings, prefix: str) -> Verifier:
    """The verifier of these settings; without a public key it refuses every command. Raises `SecretMissing`."""
    file = settings.public_key_file
    return Verifier(read_public_keys(file) if file else (), prefix, settings.unsigned_before)


def require_public_key(settings: CommandSettings) -> None:
    """Raises `SecretMissing` where no command could ever take effect: a service that starts so would refuse all."""
    if settings.public_key_file is None:
        raise SecretMissing(f"commands.public-key-file is not set, so no command would take effect; {FIX}")


def read_public_keys(file: Path) -> tuple[Ed25519PublicKey, ...]:
    """The public keys in a PEM file, at least one. Raises `SecretMissing`."""
    try:
        text = file.read_text(encoding="ascii")
        blocks = [f"{block}{END}\n" for block in text.split(END)[:-1]]
        found = [load_pem_public_key(block.strip().encode() + b"\n") for block in blocks]
    except OSError as error:
        raise SecretMissing(f"commands.public-key-file: cannot read {file} ({error.strerror}); {FIX}") from None
    except (ValueError, UnsupportedAlgorithm):
        found = []
    keys = tuple(key for key in found if isinstance(key, Ed25519PublicKey))
    if not keys or len(keys) < len(found):
        raise SecretMissing(f"commands.public-key-file: {file} does not hold Ed25519 public keys in PEM; {FIX}")
    return keys


def read_signer(settings: CommandSettings) -> Signer:
    """The signer of these settings. Raises `SecretMissing`."""
    if settings.key_file is None:
        raise SecretMissing(f"commands.key-file is not set, so no command can be given from here; {FIX}")
    text = read_secret(settings.key_file, "commands.key-file").get_secret_value()
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretMissing(f"commands.key-file: {settings.key_file} is not an Ed25519 private key in PEM; {FIX}")
    return Signer(key)


def make_key_texts() -> tuple[str, str]:
    """A new private key and its public key, in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
