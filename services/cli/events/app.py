"""`davtari events`: follow, export and replay the events of the topics."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import command, read_settings, run_until_stopped
from services.cli.events import replay as replaying
from services.cli.events.export import Export, find_start_offsets, open_topics, parse_consumed, seek_to
from services.cli.events.records import EventFilter, EventRecord
from services.cli.screen import console, errors, print_json, print_line
from services.cli.times import TIME_FORMATS, parse_time
from services.settings.model import KafkaSettings


async def follow_events(
    settings: KafkaSettings, wanted: EventFilter, count: int | None = None
) -> AsyncGenerator[EventRecord]:
    """Yield the records that match, without end or only the first `count` of them.

    Starts at the filter's `since`, or at the present end of the topics. Raises `TopicDataMissing`, `UnknownName`.
    """
    async with open_topics(settings, wanted.topics_to_read) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        seek_to(consumer, await find_start_offsets(consumer, wanted.since) if wanted.since else ends)
        seen = 0
        async for raw in consumer:
            one = parse_consumed(raw, settings.topic_prefix)
            if wanted.matches(one):
                yield one
                seen += 1
            if seen == count:
                return


app = typer.Typer(no_args_is_help=True, help="Follow, export and replay the events of the topics.")

Topics = Annotated[list[str] | None, typer.Option("--topic", help="A topic without the prefix; may be repeated.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="An event type, for example OrderChanged; may be repeated.")
]
Keys = Annotated[list[str] | None, typer.Option("--key", help="A Kafka key, for example main:1042; may be repeated.")]
Shop = Annotated[str | None, typer.Option(help="Only events of this shop.")]
Since = Annotated[str | None, typer.Option(help=f"Only from this time on: {TIME_FORMATS}.")]
Until = Annotated[str | None, typer.Option(help="Only before this time; written like --since.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print CloudEvents as JSON, one per line.")]
Count = Annotated[int | None, typer.Option(min=1, help="Stop after this many events.")]
Out = Annotated[Path | None, typer.Option(help="Write JSON lines to this file; to standard output if omitted.")]
Offsets = Annotated[Path | None, typer.Option(help="Keep the progress in this file, and continue from it.")]
ExportFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file written by `events export`.")]
Prefix = Annotated[str | None, typer.Option(help="Publish to topics with this prefix; `replay.` if omitted.")]
IntoLive = Annotated[bool, typer.Option("--into-live", help="Publish to the live topics; requires --yes.")]
Yes = Annotated[bool, typer.Option("--yes", help="Confirm --into-live.")]


@app.command(name="tail")
@command
async def tail_events(
    topic: Topics = None,
    type_: Types = None,
    key: Keys = None,
    shop: Shop = None,
    since: Since = None,
    count: Count = None,
    json: AsJson = False,
) -> int:
    """Show new events until Ctrl-C; with --since, those since that time first."""

    async def work() -> int:
        async with aclosing(
            follow_events(read_settings().kafka, _build_filter(topic, type_, key, shop, since), count)
        ) as lines:
            async for line in lines:
                print_line(line.json() if json else line.text())
        return 0

    return await run_until_stopped(work(), interrupted=0)


@app.command(name="export")
@command
async def export_events(
    topic: Topics = None,
    type_: Types = None,
    key: Keys = None,
    shop: Shop = None,
    since: Since = None,
    until: Until = None,
    out: Out = None,
    offsets: Offsets = None,
) -> int:
    """Write the events that are in the topics now as JSON lines, including personal data.

    With --offsets, an interrupted export continues where it stopped, and a later one adds only new events.
    """

    async def work() -> int:
        export = Export(_build_filter(topic, type_, key, shop, since, until), out, offsets)
        done = await export.run(read_settings().kafka)
        errors.print(f"{done.written} of {done.read} records exported", soft_wrap=True)
        return 0

    return await run_until_stopped(work())


@app.command(name="replay")
@command
async def replay_events(
    file: ExportFile, prefix: Prefix = None, into_live: IntoLive = False, yes: Yes = False, json: AsJson = False
) -> int:
    """Publish an export again, to topics with another prefix; ids, versions, keys, headers and times are unchanged."""

    async def work() -> int:
        kafka = read_settings().kafka
        chosen = replaying.choose_prefix(kafka.topic_prefix, prefix, into_live=into_live, yes=yes)
        published = await replaying.replay_export(kafka, file, chosen)
        counts = {chosen + topic: count for topic, count in sorted(published.items())}
        if json:
            print_json(counts)
        else:
            for topic, count in counts.items():
                console.print(f"{count} records published to {topic}", soft_wrap=True)
        return 0

    return await run_until_stopped(work())


def _build_filter(
    topics: list[str] | None,
    types: list[str] | None,
    keys: list[str] | None,
    shop: str | None,
    since: str | None,
    until: str | None = None,
) -> EventFilter:
    now = datetime.now(UTC)
    first, end = (parse_time(text, now) if text else None for text in (since, until))
    return EventFilter(tuple(topics or ()), tuple(types or ()), frozenset(keys or ()), shop, first, end)
