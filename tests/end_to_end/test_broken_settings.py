"""Invalid settings and unreachable systems: the error names the key or system and the fix, and no secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from services.demo.environment import ALL_LIVE, SandboxEnvironment, start_environment
from services.demo.kafka import Broker
from services.settings import SettingsError, load
from tests.end_to_end.programs import CommandResult, run_davtari

pytestmark = [
    pytest.mark.xdist_group("command-line"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
FAILED, WRONG_SETTINGS = 1, 2
HIDDEN = "never-print-me"


@dataclass(frozen=True, slots=True)
class Broken:
    """One change of the settings from `old` to `new`, the words the error must contain, and the exit code.

    `KAFKA` is replaced by the broker's address.
    """

    old: str
    new: str
    words: tuple[str, ...]
    code: int = FAILED


SETTINGS = {
    "an unknown key": Broken('["kafka"]', '["kafka"]\ncolour = "red"', ("kafka.colour",)),
    "an unknown table": Broken('["kafka"]', '["kafak"]', ("kafak",)),
    "a wrong type": Broken('"sweep" = 2.0', '"sweep" = "often"', ("schedule.sweep",)),
    "an impossible number": Broken('"sweep" = 2.0', '"sweep" = -1', ("schedule.sweep",)),
    "an unknown choice": Broken('"orders" = "live"', '"orders" = "maybe"', ("shops.main.flows.orders",)),
    "a float as money": Broken('"buffer" = "2"', '"buffer" = 2.5', ("shops.main.stock.buffer", "exact")),
    "a policy without warehouses": Broken('["Main", "Vake"]', "[]", ("warehouses",)),
    "no address": Broken('"transport" = "on-prem"', '"transport" = "cloud"\n"publication" = "x"', ("publication",)),
    "no TOML": Broken('["kafka"]', '["kafka"', ("not valid TOML",)),
}
SYSTEMS = {
    "an unknown key": replace(SETTINGS["an unknown key"], code=WRONG_SETTINGS),
    "a wrong password": Broken("secrets/balance-password", "secrets/wrong", ("Balance", "user")),
    "a missing secret": Broken("secrets/balance-password", "secrets/nowhere", ("balance.password-file", "nowhere")),
    "a wrong shop key": Broken('"secrets/key"', '"secrets/wrong"', ("Shop main", "key")),
    "a shop that is not there": Broken('"https://127.0.0.1:', '"https://127.0.0.1:1/', ("Shop main", "connect")),
    "topics that are missing": Broken('"unused."', '"none."', ("davtari topics create",)),
    "a Kafka that is not there": Broken("KAFKA", "127.0.0.1:1", ("Kafka", "kafka.bootstrap-servers")),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="made")
async def _made(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxEnvironment]:
    """Valid settings, to be changed by the tests."""
    folder = tmp_path_factory.mktemp("broken")
    async with start_environment(folder, kafka.bootstrap_servers, "unused.") as made:
        made.write_settings(ALL_LIVE)
        (folder / "secrets" / "wrong").write_text(HIDDEN, encoding="utf-8")
        yield made


def _broken(made: SandboxEnvironment, broken: Broken) -> Path:
    text, old = made.settings_file.read_text(encoding="utf-8"), broken.old.replace("KAFKA", made.kafka)
    assert old in text, f"{old} is not in the settings of the environment"
    file = made.folder / f"broken-{uuid4().hex}.toml"
    file.write_text(text.replace(old, broken.new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", SETTINGS)
async def test_an_invalid_setting_is_named_in_the_error(made: SandboxEnvironment, name: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(_broken(made, SETTINGS[name]), environ={})
    assert all(word in str(error.value) for word in SETTINGS[name].words), str(error.value)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def checked(made: SandboxEnvironment) -> dict[str, CommandResult]:
    """The result of `davtari check` for each, two at a time."""
    free = asyncio.Semaphore(2)

    async def check(broken: Broken) -> CommandResult:
        async with free:
            return await run_davtari("--settings", _broken(made, broken).name, "check", folder=made.folder)

    return dict(zip(SYSTEMS, await asyncio.gather(*map(check, SYSTEMS.values())), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("name", SYSTEMS)
async def test_check_names_the_system_that_fails(checked: dict[str, CommandResult], name: str) -> None:
    result, expected = checked[name], SYSTEMS[name]
    output = result.out + result.err
    assert result.code == expected.code, output
    assert all(word in output for word in expected.words), output
    assert "Traceback" not in output
    assert not [secret for secret in (HIDDEN, "cs_sandbox", "ck_sandbox") if secret in output]


@pytest.mark.claim("S0.36")
async def test_init_writes_settings_in_dry_run_and_never_overwrites_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("init")
    # given a new installation
    first = await run_davtari("init", folder=folder)
    text = (folder / "davtari.toml").read_text(encoding="utf-8")
    # then the file can be used, everything in it starts in dry run, and it is never overwritten
    assert (first.code, "davtari.toml written" in first.out) == (0, True)
    shop = load(folder / "davtari.toml", environ={}).shops["main"]
    modes = shop.flows.model_dump()
    assert (modes.pop("payments"), set(modes.values())) == ("off", {"dry-run"})
    again, missing = await asyncio.gather(
        run_davtari("init", folder=folder),
        run_davtari("--settings", "other.toml", "check", folder=folder),
    )
    assert (again.code, "not overwritten" in again.err) == (FAILED, True)
    assert (folder / "davtari.toml").read_text(encoding="utf-8") == text
    assert (missing.code, "davtari init" in missing.err) == (WRONG_SETTINGS, True)
