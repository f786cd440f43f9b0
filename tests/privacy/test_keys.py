"""The key of each person, as published in the topic of keys until the person is forgotten."""

from __future__ import annotations

from services.engine.privacy.keys import Keys
from tests.privacy.people import FEED, GIORGI, NINO, NOW, forgotten, made


def test_a_key_is_created_once_and_reused() -> None:
    keys = Keys()
    key = made(keys)
    assert (keys.current(NINO, FEED), keys.get(key.kid), key.ref) == (key, key, NINO)
    assert len(key.secret) == 32


def test_each_person_and_each_service_has_a_key_of_its_own() -> None:
    keys = Keys()
    kids = {made(keys, ref, service).kid for ref in (NINO, GIORGI) for service in (FEED, "order-exporter")}
    assert len(kids) == 4


def test_a_new_key_is_not_used_before_it_is_published() -> None:
    keys = Keys()
    envelope = keys.create(NINO, FEED, NOW)
    assert (envelope.sequence, keys.current(NINO, FEED)) == (1, None)
    assert envelope.data.kid not in keys


def test_a_forgotten_person_gets_a_new_key_with_the_next_order() -> None:
    keys = Keys()
    first, other = made(keys), made(keys, GIORGI)
    keys.apply(forgotten(first, version=2))
    assert (keys.current(NINO, FEED), keys.get(first.kid), first.kid in keys) == (None, None, False)
    assert keys.current(GIORGI, FEED) == other
    second = made(keys)
    assert (keys.version(NINO, FEED), keys.get(first.kid)) == (3, None)
    assert second.kid != first.kid


def test_a_repeated_record_does_not_restore_a_forgotten_key() -> None:
    keys = Keys()
    created = keys.create(NINO, FEED, NOW)
    keys.apply(created)
    key = keys.current(NINO, FEED)
    assert key
    keys.apply(forgotten(key, version=2))
    keys.apply(created)
    assert keys.get(key.kid) is None


def test_key_and_erasure_records_share_a_kafka_key_so_that_compaction_removes_the_key() -> None:
    keys = Keys()
    created = keys.create(NINO, FEED, NOW)
    keys.apply(created)
    key = keys.current(NINO, FEED)
    assert key
    gone = forgotten(key, version=2)
    assert created.data.key == gone.data.key == f"{NINO}:{FEED}"
    assert created.data.TOPIC == gone.data.TOPIC == "privacy.keys"
    assert key.secret.hex() not in repr(key)
    assert created.data.key_base64url not in repr(created.data)
