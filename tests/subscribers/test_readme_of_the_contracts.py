"""Every command in `contracts/README.md` works as written."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.sample import samples
from services.cli.app import app
from services.cli.contracts import CURRENT_SCHEMAS
from tests.kafka.topics import Topics
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
def work_folder(town: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a person who types along: the repository's folders, the settings, and schemas kept from earlier.

    The environment is what the page sets, and what leads `davtari` to this test's topics.
    """
    for name in ("ops", "contracts"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(CURRENT_SCHEMAS, tmp_path / "kept" / "schemas")
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    (tmp_path / "davtari.toml").write_text(template, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in environment(town).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def environment(topics: Topics) -> Mapping[str, str]:
    """The variables that the page sets, those that lead `davtari` to the same topics, and where `python` is."""
    address, prefix = topics.settings.bootstrap_servers, topics.settings.topic_prefix
    return {
        "KAFKA": address,
        "PREFIX": prefix,
        "DAVTARI__KAFKA__BOOTSTRAP_SERVERS": address,
        "DAVTARI__KAFKA__TOPIC_PREFIX": prefix,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def typed(command: str) -> str:
    """What a command prints. It must succeed."""
    script = f"set -euo pipefail\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked_of_davtari(command: str) -> str:
    """What a command of `davtari` prints, run in this process, which is quicker. It must succeed."""
    _, *arguments = shlex.split(command, comments=True)
    arguments, file = (arguments[:-2], arguments[-1]) if ">" in arguments else (arguments, None)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    if file:
        Path(file).write_text(done.stdout, encoding="utf-8")
    return done.stdout


def test_the_page_sets_what_the_commands_need() -> None:
    assert blocks("sh")[0] == "export KAFKA=127.0.0.1:9092 PREFIX=davtari.\n"
    assert {command.split()[0] for command in COMMANDS} == {"davtari", "kcat", "python"}


def test_every_command_of_davtari_works(work_folder: Path) -> None:
    commands = [command for command in COMMANDS if command.startswith("davtari")]
    mine = f"rehearsal-{work_folder.name}."  # a prefix of this run alone
    out = "".join(asked_of_davtari(command.replace("rehearsal.", mine)) for command in commands)
    assert "OrderChanged.v1        main:1042" in out
    assert f"{len(list(CURRENT_SCHEMAS.glob('*.json')))} schemas compared, 0 new, 0 breaking changes" in out
    orders = sum(sample.topic == "shop.orders" for sample in samples())
    assert f"{orders} records published to {mine}shop.orders" in out
    assert len(Path("sales.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    assert len(Path("orders.jsonl").read_text(encoding="utf-8").splitlines()) == orders


def test_the_command_of_python_works(work_folder: Path) -> None:
    typed(*[command for command in COMMANDS if command.startswith("python")])
    with closing(sqlite3.connect("items.sqlite")) as table:
        assert table.execute("SELECT count(*) FROM items").fetchone() == (1,)


@pytest.mark.skipif(not shutil.which("kcat"), reason="kcat is not installed")
def test_every_command_of_kcat_works(work_folder: Path) -> None:
    out = typed("\n".join(command for command in COMMANDS if command.startswith("kcat")))
    assert "ce_type=davtari.OrderChanged.v1" in out
    assert '"ce_type","davtari.' in out


async def first_line(command: list[str], folder: Path, topics: Topics) -> str:
    """The first line that a subscriber prints; it is stopped then."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=os.environ | environment(topics), stdout=asyncio.subprocess.PIPE
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
