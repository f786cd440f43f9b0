"""`davtari events`: follow what is said on the topics, take it away, publish it again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import command, read_settings
from services.cli.events import replay as replaying
from services.cli.events.ending import run_until_stopped
from services.cli.events.export import Export, find_start_offsets, open_topics, parse_consumed, seek_to
from services.cli.events.records import EventFilter, EventRecord
from services.cli.screen import console, errors, print_json
from services.cli.times import TIME_FORMATS, parse_time
from services.settings.model import KafkaSettings

# Following topics: what was said since a moment, then what is said now.


async def follow_events(
    settings: KafkaSettings, wanted: EventFilter, count: int | None = None
) -> AsyncGenerator[EventRecord]:
    """The records that are wanted, without end, or the first `count` of them.

    It begins at the filter's `since`, or at the present end of the topics. Raises `NotThere`, `NoSuchName`.
    """
    async with open_topics(settings, wanted.reads) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        seek_to(consumer, await find_start_offsets(consumer, wanted.since) if wanted.since else ends)
        seen = 0
        async for raw in consumer:
            one = parse_consumed(raw, settings.topic_prefix)
            if wanted.wants(one):
                yield one
                seen += 1
            if seen == count:
                return


app = typer.Typer(no_args_is_help=True, help="What is said on the topics: follow it, export it, publish it again.")

Topics = Annotated[list[str] | None, typer.Option("--topic", help="Without the prefix; may be repeated.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="OrderChanged, for example; may be repeated.")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="A Kafka key, such as main:1042; may be repeated.")]
Shop = Annotated[str | None, typer.Option(help="Only what concerns this shop.")]
Since = Annotated[str | None, typer.Option(help=f"From then on: {TIME_FORMATS}.")]
Until = Annotated[str | None, typer.Option(help="Like --since; what came then or later is left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="CloudEvents as JSON, one a line.")]
Count = Annotated[int | None, typer.Option(min=1, help="End after so many.")]
Out = Annotated[Path | None, typer.Option(help="A file of JSON lines. Default: standard output.")]
Offsets = Annotated[Path | None, typer.Option(help="A file that keeps how far it came; go on from there.")]
ExportFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `events export` wrote.")]
Prefix = Annotated[str | None, typer.Option(help="The prefix of the topics to publish to.  [default: replay.]")]
IntoLive = Annotated[bool, typer.Option("--into-live", help="Publish into the live topics; needs --yes.")]
Yes = Annotated[bool, typer.Option("--yes", help="Yes, that is meant.")]


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
    """Show events as they come, until Ctrl-C; with --since, what came since then first."""

    async def work() -> int:
        async with aclosing(
            follow_events(read_settings().kafka, _build_filter(topic, type_, key, shop, since), count)
        ) as lines:
            async for line in lines:
                typer.echo(line.json() if json else line.text())
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
    """Write what stands in the topics now as JSON lines, personal data included.

    With --offsets an export that was interrupted, or is to be continued later, goes on where it was.
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
    """Publish an export again, under another prefix; ids, versions, keys, headers and times stay what they were."""

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
