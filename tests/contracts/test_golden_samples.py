"""Golden samples: what was once written must parse for ever, and is what subscribers see as examples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.envelope import correction_id, decode, event_id, headers, value
from contracts.generate import HERE, SCHEMAS
from contracts.header_schema import header_schema
from contracts.json_schema import released_name
from contracts.registry import BY_TYPE, EARLIER, TOPIC_OF
from contracts.sample import Sample, samples

SAMPLES = tuple(samples())
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


def decoded(sample: Sample) -> Any:
    """The sample's envelope."""
    return decode(sample.raw_headers(), sample.raw_value())


def test_every_event_type_and_version_has_a_sample() -> None:
    sampled = {sample.type for sample in SAMPLES}
    assert sorted(BY_TYPE.keys() - sampled) == [], "write contracts/samples/<EventName>.v<n>.json for these"


def test_every_sample_is_of_a_type_that_can_still_be_read() -> None:
    assert sorted({sample.type for sample in SAMPLES} - BY_TYPE.keys()) == [], "a released type stays in the registry"


@each_sample
def test_a_sample_is_named_after_its_type(sample: Sample) -> None:
    assert f"{sample.name}.".startswith(f"{released_name(sample.type)}.")


@each_sample
def test_a_sample_decodes_and_is_written_again_field_by_field_as_it_was(sample: Sample) -> None:
    read = decoded(sample).data
    assert read.model_dump(mode="json", exclude_unset=True) == sample.value
    assert json.loads(value(decoded(sample))).items() >= _top_level_scalars(sample).items()


@each_sample
def test_what_is_written_again_reads_as_the_same_event(sample: Sample) -> None:
    envelope = decoded(sample)
    assert decode(headers(envelope), value(envelope)) == envelope


@each_sample
def test_the_headers_are_written_again_as_they_were(sample: Sample) -> None:
    assert {name: raw.decode() for name, raw in headers(decoded(sample))} == sample.headers


@each_sample
def test_topic_key_subject_and_id_follow_from_the_event(sample: Sample) -> None:
    event, envelope = decoded(sample).data, decoded(sample)
    assert (TOPIC_OF[sample.type], event.key, event.subject) == (sample.topic, sample.key, envelope.subject)
    named = (sample.type, envelope.subject, envelope.sequence)
    corrects = envelope.replayof
    assert envelope.id == (correction_id(*named, corrects) if corrects else event_id(*named))


@pytest.mark.parametrize("type_", EARLIER)
def test_a_command_from_before_commands_were_signed_reads_as_its_successor(type_: str) -> None:
    earlier, now = (next(one for one in SAMPLES if one.type == name) for name in (type_, EARLIER[type_].TYPE))
    assert (earlier.topic, now.topic) == ("operations", "commands")
    assert decoded(earlier).data == decoded(now).data


@each_sample
def test_fields_that_are_not_known_yet_are_ignored(sample: Sample) -> None:
    later = _with_unknown_fields(sample.value)
    assert decode(sample.raw_headers(), json.dumps(later).encode()).data == decoded(sample).data


@each_sample
def test_headers_that_are_not_ours_are_ignored(sample: Sample) -> None:
    foreign = [*sample.raw_headers(), ("x-trace", b"\xff\xfe"), ("retries", b"")]
    assert decode(foreign, sample.raw_value()) == decoded(sample)


@each_sample
def test_a_sample_fits_the_schemas_that_subscribers_are_given(sample: Sample) -> None:
    schema = json.loads((HERE / SCHEMAS / f"{released_name(sample.type)}.json").read_text(encoding="utf-8"))
    for rule, found in ((schema, sample.value), (header_schema(), sample.headers)):
        Draft202012Validator(rule, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)


@each_sample
def test_what_we_write_now_fits_the_schema_too(sample: Sample) -> None:
    schema = json.loads((HERE / SCHEMAS / f"{released_name(sample.type)}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(value(decoded(sample))))


def _top_level_scalars(sample: Sample) -> dict[str, Any]:
    return {name: found for name, found in sample.value.items() if not isinstance(found, dict | list)}


def _with_unknown_fields(found: Any) -> Any:
    if isinstance(found, list):
        return [_with_unknown_fields(part) for part in found]
    if not isinstance(found, dict):
        return found
    later = {name: part if name in OPEN_MAPS else _with_unknown_fields(part) for name, part in found.items()}
    return later | {"field_of_the_future": {"a": [1]}}


OPEN_MAPS = frozenset({"sent", "figures", "payload"})
"""Fields whose every key is data."""
