"""Read topics outside any consumer group, and export them as JSON lines. An interrupted export can be continued."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from contracts.validation import describe
from services.cli.events.records import EventFilter, EventRecord, parse_record
from services.engine.kafka.connection import create_reader, open_admin
from services.engine.kafka.record import Record
from services.settings.model import KafkaSettings

Offsets = Mapping[TopicPartition, int]


class TopicDataMissing(Exception):
    """Kafka does not have these topics or offsets; the message states what to do."""


@asynccontextmanager
async def open_topics(settings: KafkaSettings, names: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer assigned to all partitions of the topics. Raises `TopicDataMissing` if a topic does not exist."""
    await _must_exist(settings, [settings.topic_prefix + name for name in names])
    consumer = create_reader(settings, names)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _must_exist(settings: KafkaSettings, topics: Sequence[str]) -> None:
    """A consumer would wait for a missing topic instead of failing."""
    async with open_admin(settings) as admin:
        existing = await admin.list_topics()
    if missing := [topic for topic in topics if topic not in existing]:
        raise TopicDataMissing(
            f"Kafka has no topic {', '.join(missing)}. Run davtari topics create, or correct kafka.topic-prefix"
        )


async def find_start_offsets(consumer: AIOKafkaConsumer, since: datetime | None) -> dict[TopicPartition, int]:
    """By partition, the offset of the first record at or after `since`; without it, of the first record."""
    partitions = consumer.assignment()
    if since is None:
        found: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        return found
    ends = await consumer.end_offsets(partitions)
    at = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    return {tp: at[tp].offset if at.get(tp) else ends[tp] for tp in partitions}


def seek_to(consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
    """Continue reading at these offsets."""
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)


async def check_offsets(consumer: AIOKafkaConsumer, offsets: Offsets) -> None:
    """Raises `TopicDataMissing` unless the log still has every record from these offsets on."""
    first, last = await consumer.beginning_offsets(offsets), await consumer.end_offsets(offsets)
    wrong = [tp for tp, offset in offsets.items() if not first[tp] <= offset <= last[tp]]
    if wrong:
        ranges = ", ".join(
            f"{tp.topic}/{tp.partition} offset {offsets[tp]} (available: {first[tp]} to {last[tp]})" for tp in wrong
        )
        raise TopicDataMissing(
            f"Offsets not in the log: {ranges}. If the cluster changed or the topic was recreated, start a new export"
        )


async def read_batches(consumer: AIOKafkaConsumer, ends: Offsets) -> AsyncIterator[list[ConsumerRecord[bytes, bytes]]]:
    """Yield the records before these end offsets, in bounded batches, each partition in order."""
    while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
        found = await consumer.getmany(*left, timeout_ms=500, max_records=2000)
        yield [raw for tp, records in found.items() for raw in records if raw.offset < ends[tp]]


def parse_consumed(raw: ConsumerRecord[bytes, bytes], prefix: str) -> EventRecord:
    """Read the CloudEvent of a consumed record; its topic is given without the prefix."""
    record = Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
    return parse_record(replace(record, topic=record.topic.removeprefix(prefix)))


class ExportRefused(Exception):
    """The output file or the offsets file cannot be used; the message states why."""


class ExportProgress(BaseModel):
    """The progress of an export: the next offset by topic and partition, and the length of the output file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offsets: dict[str, dict[int, NonNegativeInt]] = {}
    bytes: NonNegativeInt = 0


@dataclass(slots=True)
class ExportCounts:
    """How many records were read, and how many of them matched and were written."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """What to export, and where to: `out` None is standard output; `offsets` is the file that keeps the progress."""

    wanted: EventFilter
    out: Path | None = None
    offsets: Path | None = None

    async def run(self, settings: KafkaSettings) -> ExportCounts:
        """Export everything up to the present end of the topics.

        Raises `TopicDataMissing` for topics or offsets that Kafka does not have, `ExportRefused` for unusable files.
        """
        progress = load_progress(self.offsets)
        async with open_topics(settings, self.wanted.topics_to_read) as consumer:
            first = await find_start_offsets(consumer, self.wanted.since)
            first |= known_offsets(progress, first)
            await check_offsets(consumer, first)
            seek_to(consumer, first)
            with open_output(self.out, progress) as file:
                return await self._write(consumer, file, settings.topic_prefix)

    async def _write(self, consumer: AIOKafkaConsumer, file: BinaryIO, prefix: str) -> ExportCounts:
        done = ExportCounts()
        ends = await consumer.end_offsets(consumer.assignment())
        async for raws in read_batches(consumer, ends):
            found = [one for raw in raws if self.wanted.matches(one := parse_consumed(raw, prefix))]
            _append(file, found)
            done.read, done.written = done.read + len(raws), done.written + len(found)
            self._save(file, {tp: min(await consumer.position(tp), end) for tp, end in ends.items()})
        self._save(file, {tp: min(await consumer.position(tp), end) for tp, end in ends.items()})
        return done

    def _save(self, file: BinaryIO, positions: Offsets) -> None:
        if self.offsets is None:
            return
        if self.out is not None:
            os.fsync(file.fileno())
        save_progress(self.offsets, ExportProgress(offsets=_by_topic(positions), bytes=file.tell() if self.out else 0))


def load_progress(path: Path | None) -> ExportProgress:
    """Read the progress file; an empty progress if there is none yet. Raises `ExportRefused`."""
    if path is None or not path.exists():
        return ExportProgress()
    try:
        return ExportProgress.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ExportRefused(f"{path} is not an offsets file of an export: {describe(error)}") from None


def save_progress(path: Path, progress: ExportProgress) -> None:
    """Replace the progress file atomically."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(orjson.dumps(progress.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    part.replace(path)


def known_offsets(progress: ExportProgress, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The saved offsets of those partitions that the progress contains."""
    kept = {(topic, n): offset for topic, offsets in progress.offsets.items() for n, offset in offsets.items()}
    return {tp: kept[tp.topic, tp.partition] for tp in partitions if (tp.topic, tp.partition) in kept}


def open_output(out: Path | None, progress: ExportProgress) -> AbstractContextManager[BinaryIO]:
    """Open the output; lines written after the last saved progress are cut off. Raises `ExportRefused`."""
    if out is None:
        return nullcontext(sys.stdout.buffer)
    if not out.exists():
        return out.open("wb")
    if not progress.offsets:
        raise ExportRefused(f"{out} exists and is not overwritten. To continue it, add its --offsets file")
    if out.stat().st_size < progress.bytes:
        raise ExportRefused(f"{out} is shorter than its offsets file states: it is another file, or was truncated")
    file = out.open("r+b")
    file.seek(progress.bytes)
    file.truncate()
    return file


def _append(file: BinaryIO, found: Iterable[EventRecord]) -> None:
    file.writelines(one.json().encode() + b"\n" for one in found)
    file.flush()


def _by_topic(positions: Offsets) -> Mapping[str, dict[int, int]]:
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for tp, offset in sorted(positions.items()):
        found[tp.topic][tp.partition] = offset
    return dict(found)
