"""`davtari events`: follow what is said on the topics, take it away, publish it again."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import command, read_settings
from services.cli.events import replay as replaying
from services.cli.events.ending import until_stopped
from services.cli.events.export import Export
from services.cli.events.filter import Filter
from services.cli.events.tail import tail
from services.cli.screen import console, errors, print_json
from services.cli.times import TIME_FORMATS, parse_time

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
async def events_tail(
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
        async with aclosing(tail(read_settings().kafka, _filter(topic, type_, key, shop, since), count)) as lines:
            async for line in lines:
                typer.echo(line.json() if json else line.text())
        return 0

    return await until_stopped(work(), interrupted=0)


@app.command(name="export")
@command
async def events_export(
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
        export = Export(_filter(topic, type_, key, shop, since, until), out, offsets)
        done = await export.run(read_settings().kafka)
        errors.print(f"{done.written} of {done.read} records exported", soft_wrap=True)
        return 0

    return await until_stopped(work())


@app.command(name="replay")
@command
async def events_replay(
    file: ExportFile, prefix: Prefix = None, into_live: IntoLive = False, yes: Yes = False, json: AsJson = False
) -> int:
    """Publish an export again, under another prefix; ids, versions, keys, headers and times stay what they were."""

    async def work() -> int:
        kafka = read_settings().kafka
        chosen = replaying.target(kafka.topic_prefix, prefix, into_live=into_live, yes=yes)
        published = await replaying.replay(kafka, file, chosen)
        counts = {chosen + topic: count for topic, count in sorted(published.items())}
        if json:
            print_json(counts)
        else:
            for topic, count in counts.items():
                console.print(f"{count} records published to {topic}", soft_wrap=True)
        return 0

    return await until_stopped(work())


def _filter(
    topics: list[str] | None,
    types: list[str] | None,
    keys: list[str] | None,
    shop: str | None,
    since: str | None,
    until: str | None = None,
) -> Filter:
    now = datetime.now(UTC)
    first, end = (parse_time(text, now) if text else None for text in (since, until))
    return Filter(tuple(topics or ()), tuple(types or ()), frozenset(keys or ()), shop, first, end)
