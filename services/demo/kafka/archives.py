"""Apache Kafka from its Java archives, one node per data folder, driven by the script `ops/kafka/kafka`."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.demo.kafka.broker import Broker, BrokerError, BrokerUnavailable

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "ops" / "kafka" / "kafka"
CACHE = ROOT / ".cache" / "kafka"
DESCRIPTION = "Apache Kafka from its Java archives"


@dataclass(frozen=True)
class ArchivesBroker(Broker):
    """A node started by this process, which tests pause, kill and restart."""

    data: Path

    def pause(self) -> None:
        """Pause the node: connections stay open and nothing responds."""
        _run_script("pause", self.data)

    def resume(self) -> None:
        """Resume a paused node."""
        _run_script("resume", self.data)

    def kill(self) -> None:
        """Kill the node at once, as a power cut would. Returns when it has ended."""
        _run_script("kill", self.data)

    async def start_again(self) -> None:
        """Start on the same data and ports. Returns when the cluster answers: some 3 s, after `kill` some 12 s."""
        await _start(self.data)


@asynccontextmanager
async def run_from_archives(data: Path | None, users: Path | None = None) -> AsyncIterator[ArchivesBroker]:
    """A node for as long as the context lasts. Its data stays if `data` names a folder, and goes with it otherwise.

    With `users`, a folder of `davtari rights users`, it asks for passwords and checks rights.

    Raises `Unavailable` without the script (an installed wheel), without Java or Maven, or if the node fails.
    """
    if not SCRIPT.exists():
        raise BrokerUnavailable(
            f"this installation has no {SCRIPT.relative_to(ROOT)}: run from a checkout of the repository"
        )
    with _data_folder(data) as folder:
        address = await _start(folder, users)
        try:
            description = DESCRIPTION + (", with passwords and rights" if users else "")
            yield ArchivesBroker(address, "archives", description, folder, users=users)
        finally:
            await asyncio.to_thread(_run_script, "stop", folder)


@contextmanager
def _data_folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix="node-", dir=CACHE))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


async def _start(data: Path, users: Path | None = None) -> str:
    """Starts a node and returns its bootstrap address. Progress goes to stderr; the node ends with this process."""
    secure: list[str | Path] = ["--secure", users] if users else []
    options = ["--data", data, "--owner", str(os.getpid()), *secure]
    script = await asyncio.create_subprocess_exec(
        SCRIPT, "start", *options, stdout=subprocess.PIPE, start_new_session=True
    )
    answer, _ = await script.communicate()
    if script.returncode != 0:
        raise BrokerUnavailable(f"{SCRIPT.name} start failed; see the messages above and {data / 'kafka.log'}")
    return answer.decode().strip()


def _run_script(action: str, data: Path) -> None:
    done = subprocess.run([SCRIPT, action, "--data", data], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BrokerError(f"{SCRIPT.name} {action} failed for the node in {data}: {done.stderr.strip()}")
