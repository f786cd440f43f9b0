"""Builds the query database of a console: `python -m tests.benchmarks.console_build COUNT DIRECTORY`.

Prints the CPU seconds of building it and of decoding and validating the same events, and the memory in MB. CPU time
counts all threads, SQLite's included, and is disturbed less by what else runs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from services.console.model.handlers import KINDS, SERVICE, handlers
from services.engine.runtime.service import tune_garbage_collector
from tests.benchmarks.sold_orders import FIRST_DAY, USING, batches
from tests.support.engine_bench import Clock, reading
from tests.support.secret import use_secret_of_tests


def peak_mb() -> float:
    """The most memory that this process has used."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def build(count: int, directory: Path) -> dict[str, float]:
    """Build it, batch by batch, as a rebuild from the topics does."""
    decoding = building = 0.0
    async with reading(SERVICE, handlers(USING), directory, Clock(FIRST_DAY), KINDS) as engine:
        started = peak_mb()
        for records in batches(count):
            begun = time.process_time()
            for record in records:
                record.read()
            decoded = time.process_time()
            await engine.take(records)
            decoding, building = decoding + decoded - begun, building + time.process_time() - decoded
        begun = time.process_time()
        await engine.finish_catch_up()
        building += time.process_time() - begun
    return {"decoding": decoding, "building": building, "started_mb": started, "peak_mb": peak_mb()}


if __name__ == "__main__":
    use_secret_of_tests()
    tune_garbage_collector()
    print(json.dumps(asyncio.run(build(int(sys.argv[1]), Path(sys.argv[2])))))
