"""Chooses the broker: in this order, unless the environment restricts it.

1. the one that `KAFKA_BOOTSTRAP_SERVERS` names; 2. a container, if a Docker engine answers and the image can be had;
3. the Java archives, if Java and Maven are installed or can be installed here.
`DAVTARI_BROKER` restricts this to one kind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal, overload

from services.demo.kafka.archives import ArchivesBroker, run_from_archives
from services.demo.kafka.broker import (
    Broker,
    BrokerError,
    BrokerKind,
    BrokerSource,
    BrokerUnavailable,
    use_named_broker,
)
from services.demo.kafka.container import run_container

KIND_VARIABLE = "DAVTARI_BROKER"
# Best first.
SOURCES: Mapping[BrokerKind, BrokerSource] = {
    "given": use_named_broker,
    "container": run_container,
    "archives": run_from_archives,
}


@overload
def open_broker(kind: Literal["archives"], data: Path | None = None) -> AbstractAsyncContextManager[ArchivesBroker]: ...


@overload
def open_broker(
    kind: BrokerKind | None = None, data: Path | None = None, users: Path | None = None
) -> AbstractAsyncContextManager[Broker]: ...


def open_broker(
    kind: BrokerKind | None = None, data: Path | None = None, users: Path | None = None
) -> AbstractAsyncContextManager[Broker]:
    """A broker that answers, for as long as the context lasts.

    `kind` outranks `DAVTARI_BROKER`. `data` is the folder for what the node keeps between runs; only the archives keep
    anything. `users`: a folder of `davtari rights users`, for a broker that checks rights; only the archives can, and
    they are tried before a container. Raises `BrokerError`, which lists why each kind was out of reach.
    """
    wanted, sources = kinds_to_try(kind, os.environ), dict(SOURCES)
    if users is not None:
        sources["archives"] = partial(run_from_archives, users=users)
        wanted = sorted(wanted, key=lambda each: each == "container")
    return open_first(wanted, sources, data)


def kinds_to_try(kind: BrokerKind | None, environment: Mapping[str, str]) -> Sequence[BrokerKind]:
    """The kinds to try, in order. Raises `BrokerError` for an unknown kind."""
    wish = kind or environment.get(KIND_VARIABLE) or None
    ranked = list(SOURCES)
    if wish is None:
        return ranked
    if wish not in ranked:
        raise BrokerError(f"{KIND_VARIABLE}={wish} is not a kind of broker; use one of {', '.join(ranked)}")
    return [each for each in ranked if each == wish]


@asynccontextmanager
async def open_first(
    wanted: Sequence[BrokerKind], sources: Mapping[BrokerKind, BrokerSource], data: Path | None = None
) -> AsyncIterator[Broker]:
    """Opens the first available kind; skipped kinds are reported on stderr."""
    async with AsyncExitStack() as stack:
        reasons: list[str] = []
        for kind in wanted:
            try:
                found = await stack.enter_async_context(sources[kind](data))
            except BrokerUnavailable as reason:
                reasons.append(f"{kind}: {reason}")
                continue
            _report_choice(found, reasons)
            yield found
            return
        raise BrokerError("no broker is available.\n  " + "\n  ".join(reasons))


def _report_choice(found: Broker, reasons: Sequence[str]) -> None:
    for reason in reasons:
        print(f"broker: skipped {reason}", file=sys.stderr)
    print(f"broker: {found.description} at {found.bootstrap_servers}", file=sys.stderr, flush=True)
