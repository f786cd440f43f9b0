"""A broker that runs, and the two ways in which one does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BrokerKind = Literal["given", "container", "archives"]


@dataclass(frozen=True)
class Broker:
    """A broker that answers now. `bootstrap_servers` is `host:port`, several joined by commas."""

    bootstrap_servers: str
    kind: BrokerKind
    description: str


class BrokerError(RuntimeError):
    """No broker can be had, or the one that was asked for does not answer. The text says what to do."""


class Unavailable(BrokerError):
    """This way to a broker is not open on this machine; another may be. The text is the reason."""


Source = Callable[[Path | None], AbstractAsyncContextManager[Broker]]
"""Opens one kind of broker for as long as the context lasts; takes the folder for its data; raises `Unavailable`."""
