"""Which of our modules run code: functions that are called, not what an import executes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.support.shared_broker import ROOT

PACKAGES = ("contracts", "services")


@contextmanager
def record_called_modules() -> Iterator[set[str]]:
    """Collects the modules of `contracts` and `services`, without the sandbox, that run code within the block.

    Only this thread is watched: our code runs in the thread of the event loop.
    """
    called: set[str] = set()
    modules: dict[str, str | None] = {}

    def watch(frame: FrameType, event: str, argument: object) -> None:
        path = frame.f_code.co_filename
        if path not in modules:
            modules[path] = _module(path)
        module = modules[path]
        if module and event == "call" and frame.f_code.co_name != "<module>":
            called.add(module)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield called
    finally:
        sys.setprofile(before)


def _module(path: str) -> str | None:
    """`services.order_exporter.sale`; None for a file that is not ours."""
    try:
        parts = Path(path).relative_to(ROOT).with_suffix("").parts
    except ValueError:
        return None
    return ".".join(parts) if parts[0] in PACKAGES and "sandbox" not in parts else None
