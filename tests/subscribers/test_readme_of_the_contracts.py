"""Whatever `contracts/README.md` tells a subscriber to type works as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from services.commands.schema_comparison import OURS
from tests.messaging.topics import Topics
from tests.subscribers.node import INSTALLED, MISSING, install

pytestmark = [pytest.mark.kafka, pytest.mark.claim("I7")]
ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
PATIENCE = 45.0
ORDER = "main:1042 3 processing 53.69"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if not line.startswith("export ")]


@pytest.fixture
def desk(town: Topics, tmp_path: Path) -> Path:
    """The folder of a person who types along: the repository's folders, the settings, and schemas kept from earlier."""
    for name in ("ops", "contracts"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(OURS, tmp_path / "kept" / "schemas")
    template = files("services.commands").joinpath("template.toml").read_text(encoding="utf-8")
    (tmp_path / "davtari.toml").write_text(template, encoding="utf-8")
    return tmp_path


def environment(topics: Topics) -> Mapping[str, str]:
    """The variables that the page sets, and `davtari` and `python` of this installation on the path."""
    address, prefix = topics.settings.bootstrap_servers, topics.settings.topic_prefix
    return os.environ | {
        "KAFKA": address,
        "PREFIX": prefix,
        "DAVTARI__KAFKA__BOOTSTRAP_SERVERS": address,
        "DAVTARI__KAFKA__TOPIC_PREFIX": prefix,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


async def typed(commands: list[str], desk: Path, topics: Topics) -> str:
    """What commands print. Each must succeed."""
    script = "set -euo pipefail\n" + "\n".join(commands).replace("rehearsal.", f"rehearsal-{desk.name}.")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=desk,
        env=environment(topics),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


def test_the_page_sets_what_the_commands_need() -> None:
    assert blocks("sh")[0] == "export KAFKA=127.0.0.1:9092 PREFIX=davtari.\n"
    assert {command.split()[0] for command in COMMANDS} == {"davtari", "kcat", "python"}


async def test_every_command_of_davtari_and_python_works(town: Topics, desk: Path) -> None:
    out = await typed([command for command in COMMANDS if not command.startswith("kcat")], desk, town)
    assert "main:1042" in out
    assert "25 schemas compared, 0 new, 0 breaking changes" in out
    assert "2 records published to rehearsal-" in out
    assert len((desk / "sales.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    assert len((desk / "orders.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert (desk / "items.sqlite").stat().st_size > 0


@pytest.mark.skipif(not shutil.which("kcat"), reason="kcat is not installed")
async def test_every_command_of_kcat_works(town: Topics, desk: Path) -> None:
    out = await typed([command for command in COMMANDS if command.startswith("kcat")], desk, town)
    assert "ce_type=davtari.OrderChanged.v1" in out
    assert '"ce_type","davtari.SaleRecorded.v1"' in out


async def first_line(command: list[str], folder: Path, topics: Topics) -> str:
    """The first line that a subscriber prints; it is stopped then."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(topics), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE):
            return (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def test_the_subscriber_in_python_works(town: Topics, tmp_path: Path) -> None:
    (tmp_path / "subscriber.py").write_text(blocks("python")[0], encoding="utf-8")
    assert await first_line([sys.executable, "subscriber.py"], tmp_path, town) == ORDER


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
async def test_the_subscriber_in_node_works(town: Topics) -> None:
    install()
    (INSTALLED / "readme.js").write_text(blocks("js")[0], encoding="utf-8")
    assert await first_line(["node", "readme.js"], INSTALLED, town) == ORDER
