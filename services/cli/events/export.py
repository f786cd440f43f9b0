"""Exporting events as JSON lines, so that an export that was interrupted goes on exactly where it was."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from contracts.validation import describe
from services.cli.events.filter import Filter
from services.cli.events.line import Heard
from services.cli.events.reading import Offsets, batches, first_since, listened, must_hold, stand_at, topics_open
from services.settings.model import KafkaSettings


class NotExported(Exception):
    """The file or the offsets cannot be used; the message says why."""


class Progress(BaseModel):
    """How far an export has come: the next offset per topic and partition, and how long its file was then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offsets: dict[str, dict[int, NonNegativeInt]] = {}
    bytes: NonNegativeInt = 0


@dataclass(slots=True)
class Exported:
    """How many records were read, and how many of them were wanted and written."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """What to export and where to: `out` None is standard output; `offsets` is where the progress is kept, if it is."""

    wanted: Filter
    out: Path | None = None
    offsets: Path | None = None

    async def run(self, settings: KafkaSettings) -> Exported:
        """Export everything up to the present end of the topics.

        Raises `NotThere` for topics or offsets that Kafka does not have, `NotExported` for files that do not fit.
        """
        progress = load(self.offsets)
        async with topics_open(settings, self.wanted.reads) as consumer:
            first = await first_since(consumer, self.wanted.since)
            first |= known(progress, first)
            await must_hold(consumer, first)
            stand_at(consumer, first)
            with opened(self.out, progress) as file:
                return await self._write(consumer, file, settings.topic_prefix)

    async def _write(self, consumer: AIOKafkaConsumer, file: BinaryIO, prefix: str) -> Exported:
        done = Exported()
        ends = await consumer.end_offsets(consumer.assignment())
        async for raws in batches(consumer, ends):
            found = [one for raw in raws if self.wanted.wants(one := listened(raw, prefix))]
            _append(file, found)
            done.read, done.written = done.read + len(raws), done.written + len(found)
            self._keep(file, {tp: min(await consumer.position(tp), end) for tp, end in ends.items()})
        self._keep(file, {tp: min(await consumer.position(tp), end) for tp, end in ends.items()})
        return done

    def _keep(self, file: BinaryIO, positions: Offsets) -> None:
        if self.offsets is None:
            return
        if self.out is not None:
            os.fsync(file.fileno())
        save(self.offsets, Progress(offsets=_by_topic(positions), bytes=file.tell() if self.out else 0))


def load(path: Path | None) -> Progress:
    """The progress kept in a file; none if there is no file yet. Raises `NotExported`."""
    if path is None or not path.exists():
        return Progress()
    try:
        return Progress.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise NotExported(f"{path} does not hold the offsets of an export: {describe(error)}") from None


def save(path: Path, progress: Progress) -> None:
    """Keep the progress; the file is never seen half written."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(orjson.dumps(progress.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    part.replace(path)


def known(progress: Progress, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offsets of the progress, for those partitions that it knows."""
    kept = {(topic, n): offset for topic, offsets in progress.offsets.items() for n, offset in offsets.items()}
    return {tp: kept[tp.topic, tp.partition] for tp in partitions if (tp.topic, tp.partition) in kept}


def opened(out: Path | None, progress: Progress) -> AbstractContextManager[BinaryIO]:
    """Where the lines go; what stands behind the last kept progress is cut off. Raises `NotExported`."""
    if out is None:
        return nullcontext(sys.stdout.buffer)
    if not out.exists():
        return out.open("wb")
    if not progress.offsets:
        raise NotExported(f"{out} is there already; it is not overwritten. To go on with it, give its --offsets file")
    if out.stat().st_size < progress.bytes:
        raise NotExported(f"{out} is shorter than its offsets file says; it is another file, or was cut")
    file = out.open("r+b")
    file.seek(progress.bytes)
    file.truncate()
    return file


def _append(file: BinaryIO, found: Iterable[Heard]) -> None:
    file.writelines(one.json().encode() + b"\n" for one in found)
    file.flush()


def _by_topic(positions: Offsets) -> Mapping[str, dict[int, int]]:
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for tp, offset in sorted(positions.items()):
        found[tp.topic][tp.partition] = offset
    return dict(found)
