"""What only a person may do counts only with a signature that fits exactly this record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.approvals import ApprovalGiven
from contracts.balance import StockChanged
from contracts.envelope import Envelope, Undecodable, headers, value, wrap
from contracts.model import Event
from contracts.operations import CommandSettled, DiscardRequested
from contracts.privacy import PersonForgotten
from contracts.reasons import Reason
from contracts.sample import samples
from services.engine.kafka.record import Record, restore_record, to_failed_record
from services.engine.kafka.signature import HEADER, Signer, Verifier, make_key_texts, read_public_keys, read_verifier
from services.engine.privacy.key_ring import KeyRing
from services.engine.privacy.opener import Opener, leave_people_out
from services.settings.base import SecretMissing
from services.settings.kafka import KafkaSettings
from tests.support.signing import KEYS, SIGNER, verifier

pytestmark = pytest.mark.claim("K34")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
STRANGER = Signer(Ed25519PrivateKey.generate())
ASKED = {"command_id": "c1", "asked_by": "nino", "asked_at": NOW}
APPROVAL = ApprovalGiven(**ASKED, shop="main", shape="Sale · bog", document="sale:main:1042")
FORGOTTEN = PersonForgotten(person_ref="p", service="store-feed", kid="k", at=NOW, by="nino", why="asked")
Forge = Callable[[Record], Record]


def enveloped(event: Event) -> Envelope[Event]:
    """The event, with the envelope of the `davtari` command."""
    return wrap(event, version=1, source="davtari-cli", time=NOW)


def recorded(envelope: Envelope[Event], signer: Signer | None = SIGNER) -> Record:
    """The event as a record of its topic, signed unless there is no signer."""
    topic, key, body = envelope.data.TOPIC, envelope.data.key.encode(), value(envelope)
    marks = signer.sign(topic, key, headers(envelope), body) if signer else headers(envelope)
    return Record(f"davtari.{topic}", 0, 7, 0, key, body, marks)


def with_header(record: Record, name: str, text: bytes | None) -> Record:
    """The record with another value of a header."""
    return replace(record, headers=[(each, text if each == name else raw) for each, raw in record.headers])


def with_value(record: Record, old: bytes, new: bytes) -> Record:
    """The record with another text in its value."""
    assert record.value and old in record.value
    return replace(record, value=record.value.replace(old, new))


def reason_of(record: Record, using: Verifier | None = None) -> str:
    """Why a record does not count; empty if it does."""
    checked = (using or verifier()).check(record)
    return checked.opened.code if isinstance(checked.opened, Undecodable) else ""


GENUINE = recorded(enveloped(APPROVAL))
CORRECTED = replace(enveloped(StockChanged(item="tea", rows=(), observed_at=NOW)), replayof="a dead letter")
FORGED: dict[str, Forge] = {
    "without a signature": lambda one: replace(one, headers=[pair for pair in one.headers if pair[0] != HEADER]),
    "with an empty signature": lambda one: with_header(one, HEADER, b""),
    "with a null signature": lambda one: with_header(one, HEADER, None),
    "with a signature that is no base64": lambda one: with_header(one, HEADER, "მე".encode()),
    "in the name of another person": lambda one: with_value(one, b"nino", b"gio"),
    "about another document": lambda one: with_value(one, b"main:1042", b"main:1043"),
    "under another key": lambda one: replace(one, key=b"c2"),
    "under another subject": lambda one: with_header(one, "ce_subject", b"c2"),
    "in a newer version": lambda one: with_header(one, "ce_sequence", b"2"),
    "under another id": lambda one: with_header(one, "ce_id", b"00000000-0000-0000-0000-000000000000"),
    "from another program": lambda one: with_header(one, "ce_source", b"davtari-console"),
    "as if it corrected a dead letter": lambda one: replace(one, headers=[*one.headers, ("ce_replayof", b"x")]),
    "with a header twice": lambda one: replace(one, headers=[*one.headers, ("ce_time", NOW.isoformat().encode())]),
    "with a null header": lambda one: replace(one, headers=[*one.headers, ("ce_more", None)]),
    "without a key": lambda one: replace(one, key=None),
    "without a value": lambda one: replace(one, value=None),
}


@pytest.mark.parametrize("event", [APPROVAL, FORGOTTEN], ids=["a command", "the deletion of a key"])
def test_what_a_person_signed_counts(event: Event) -> None:
    assert reason_of(recorded(enveloped(event))) == ""


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_changed_command_does_not_count(forge: Forge) -> None:
    assert reason_of(forge(GENUINE)) == Reason.COMMAND_SIGNATURE


@pytest.mark.parametrize("event", [APPROVAL, FORGOTTEN], ids=["a command", "the deletion of a key"])
@pytest.mark.parametrize("signer", [None, STRANGER], ids=["nobody", "a stranger"])
def test_what_somebody_else_wrote_does_not_count(event: Event, signer: Signer | None) -> None:
    assert reason_of(recorded(enveloped(event), signer)) == Reason.COMMAND_SIGNATURE


@pytest.mark.parametrize(("signer", "reason"), [(SIGNER, ""), (None, Reason.COMMAND_SIGNATURE)])
def test_a_record_that_corrects_a_dead_letter_is_signed(signer: Signer | None, reason: str) -> None:
    assert reason_of(recorded(CORRECTED, signer)) == reason


@pytest.mark.parametrize("sample", [one for one in samples() if one.topic == "commands"], ids=lambda one: one.name)
def test_no_kind_of_command_counts_unsigned(sample: object) -> None:
    found = next(one for one in samples() if one == sample)
    record = Record("davtari.commands", 0, 1, 0, found.key.encode(), found.raw_value(), found.raw_headers())
    assert reason_of(record) == Reason.COMMAND_SIGNATURE


@pytest.mark.parametrize("topic", ["operations", "shop.orders", "balance.stock", "privacy.keys"])
def test_a_signed_command_counts_in_no_other_topic(topic: str) -> None:
    assert reason_of(replace(GENUINE, topic=f"davtari.{topic}")) == Reason.RECORD_WRONG_TOPIC


def test_an_event_counts_only_in_its_own_topic() -> None:
    fact = recorded(enveloped(StockChanged(item="tea", rows=(), observed_at=NOW)), None)
    assert reason_of(fact) == ""
    assert reason_of(replace(fact, topic="davtari.shop.orders")) == Reason.RECORD_WRONG_TOPIC


def test_without_a_public_key_no_command_counts() -> None:
    none = Verifier((), "davtari.", {})
    assert reason_of(GENUINE, none) == Reason.COMMAND_SIGNATURE
    assert reason_of(recorded(enveloped(settled()), None), none) == ""


def settled() -> CommandSettled:
    """The result of a command, as a service states it."""
    return CommandSettled(command_id="c1", service="s", outcome="done", detail="", settled_at=NOW)


def test_commands_of_an_earlier_key_count_while_its_public_key_is_kept(tmp_path: Path) -> None:
    assert KEYS.public_key_file
    own, (_, other) = KEYS.public_key_file.read_text(encoding="ascii"), make_key_texts()
    both, only_new = tmp_path / "both.pub", tmp_path / "new.pub"
    both.write_text(other + own, encoding="ascii")
    only_new.write_text(other, encoding="ascii")
    assert reason_of(GENUINE, Verifier(read_public_keys(both), "davtari.", {})) == ""
    assert reason_of(GENUINE, Verifier(read_public_keys(only_new), "davtari.", {})) == Reason.COMMAND_SIGNATURE


EARLIER = next(one for one in samples() if one.name == "ApprovalGiven.v1")


@pytest.mark.parametrize(("offset", "reason"), [(9, ""), (10, Reason.COMMAND_SIGNATURE)], ids=["before", "since"])
@pytest.mark.parametrize("restored", [False, True], ids=["in its topic", "in a dead letter"])
def test_a_command_from_before_the_upgrade_counts_only_where_it_was_written(
    offset: int, reason: str, *, restored: bool
) -> None:
    # a dead letter can be forged, so a place that it states proves nothing
    using = read_verifier(KEYS.model_copy(update={"unsigned_before": {"operations": (10,)}}), "davtari.")
    body, marks = EARLIER.raw_value(), EARLIER.raw_headers()
    record = Record("davtari.operations", 0, offset, 0, EARLIER.key.encode(), body, marks)
    found = restore_record(to_failed_record(record)) if restored else record
    assert reason_of(found, using) == (Reason.COMMAND_SIGNATURE if restored else reason)


@pytest.mark.parametrize("texts", [["no key"], [make_key_texts()[0]], []], ids=["text", "a private key", "nothing"])
def test_a_file_without_public_keys_is_named(tmp_path: Path, texts: Sequence[str]) -> None:
    file = tmp_path / "command-key.pub"
    file.write_text("".join(texts), encoding="ascii")
    with pytest.raises(SecretMissing, match=r"command-key\.pub does not hold Ed25519 public keys"):
        read_public_keys(file)


def test_the_signature_is_over_the_topic_the_key_and_the_value() -> None:
    event = DiscardRequested(**ASKED, dead_letter="d", why="x")
    marks = headers(enveloped(event))
    variants = {(topic, key, body) for topic in ("a", "ab") for key in (b"bc", b"c") for body in (b"x", b"cx")}
    assert len({dict(SIGNER.sign(topic, key, marks, body))[HEADER] for topic, key, body in variants}) == 8


async def test_a_forged_command_stays_refused_when_its_personal_data_is_opened_or_left_out() -> None:
    sample = next(one for one in samples() if one.name == "EditRequested.v2")
    body = sample.raw_value()[:-1] + b', "person": null, "sealed": "e30....."}'
    checked = verifier().check(Record("davtari.commands", 0, 1, 0, sample.key.encode(), body, sample.raw_headers()))
    ring = KeyRing(KafkaSettings(bootstrap_servers="127.0.0.1:1"), verifier())
    for unseal in (leave_people_out, Opener(ring).records):
        (found,) = await unseal([checked])
        with pytest.raises(Undecodable, match="is not signed"):
            found.read()
