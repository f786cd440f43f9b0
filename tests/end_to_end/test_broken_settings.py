"""Settings and upstreams that are wrong: the command names the key or the system, and what mends it, and no secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.demo.world import ALL_LIVE, World, world
from services.shared.broker import Broker
from services.shared.settings import load
from tests.end_to_end.programs import Said, davtari

pytestmark = [
    pytest.mark.xdist_group("command-line"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
FAILED, WRONG_SETTINGS = 1, 2
HIDDEN = "never-print-me"


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is wrong: `old` in the settings becomes `new`; what `davtari check` must say, and its exit code.

    `KAFKA` stands for the broker's address.
    """

    old: str
    new: str
    told: tuple[str, ...]
    code: int = FAILED


BROKEN = {
    "an unknown key": Broken('["kafka"]', '["kafka"]\ncolour = "red"', ("kafka.colour",), WRONG_SETTINGS),
    "a wrong type": Broken('"sweep" = 2.0', '"sweep" = "often"', ("schedule.sweep",), WRONG_SETTINGS),
    "an unknown choice": Broken('"orders" = "live"', '"orders" = "maybe"', ("flows.orders",), WRONG_SETTINGS),
    "a float as money": Broken('"buffer" = "2"', '"buffer" = 2.5', ("stock.buffer", "exact"), WRONG_SETTINGS),
    "a policy without warehouses": Broken('["Main", "Vake"]', "[]", ("warehouses",), WRONG_SETTINGS),
    "no TOML": Broken('["kafka"]', '["kafka"', ("not valid TOML",), WRONG_SETTINGS),
    "a wrong password": Broken("secrets/balance-password", "secrets/wrong", ("Balance", "user")),
    "a missing secret": Broken("secrets/balance-password", "secrets/nowhere", ("balance.password-file", "nowhere")),
    "an empty secret": Broken('"secrets/secret"', '"secrets/empty"', ("secret-file", "empty")),
    "a wrong shop key": Broken('"secrets/key"', '"secrets/wrong"', ("Shop main", "key")),
    "a shop that is not there": Broken('"https://127.0.0.1:', '"https://127.0.0.1:1/', ("Shop main", "connect")),
    "topics that are missing": Broken('"unused."', '"none."', ("davtari topics create",)),
    "a Kafka that is not there": Broken("KAFKA", "127.0.0.1:1", ("Kafka", "kafka.bootstrap-servers")),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def checked(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Said]]:
    """What `davtari check` says to each."""
    folder = tmp_path_factory.mktemp("broken")
    async with world(folder, kafka.bootstrap_servers, "unused.") as made:
        made.settle(ALL_LIVE)
        (folder / "secrets" / "wrong").write_text(HIDDEN, encoding="utf-8")
        (folder / "secrets" / "empty").write_text("\n", encoding="utf-8")
        two_at_once = asyncio.Semaphore(2)
        said = await asyncio.gather(*[_check(made, n, each, two_at_once) for n, each in enumerate(BROKEN.values())])
        yield dict(zip(BROKEN, said, strict=True))


async def _check(made: World, number: int, broken: Broken, free: asyncio.Semaphore) -> Said:
    text, old = made.settings_file.read_text(encoding="utf-8"), broken.old.replace("KAFKA", made.kafka)
    assert old in text, f"{old} is not in the settings of the world"
    file = made.folder / f"broken-{number}.toml"
    file.write_text(text.replace(old, broken.new, 1), encoding="utf-8")
    async with free:
        return await davtari("--settings", file.name, "check", folder=made.folder)


@pytest.mark.parametrize("name", BROKEN)
async def test_check_names_what_is_wrong(checked: dict[str, Said], name: str) -> None:
    said, expected = checked[name], BROKEN[name]
    told = said.out + said.err
    assert said.code == expected.code, told
    assert all(word in told for word in expected.told), told
    assert "Traceback" not in told
    assert not [secret for secret in (HIDDEN, "cs_sandbox", "ck_sandbox") if secret in told]


@pytest.mark.claim("S0.36")
async def test_init_writes_settings_to_start_from(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("init")
    # given a new installation
    first = await davtari("init", folder=folder)
    text = (folder / "davtari.toml").read_text(encoding="utf-8")
    # then the file can be used, everything in it starts in dry run, and it is never overwritten
    assert (first.code, "davtari.toml written" in first.out) == (0, True)
    shop = load(folder / "davtari.toml", environ={}).shops["main"]
    assert set(shop.flows.model_dump().values()) == {"dry-run"}
    again, missing = await asyncio.gather(
        davtari("init", folder=folder),
        davtari("--settings", "other.toml", "check", folder=folder),
    )
    assert (again.code, "not overwritten" in again.err) == (FAILED, True)
    assert (folder / "davtari.toml").read_text(encoding="utf-8") == text
    assert (missing.code, "davtari init" in missing.err) == (WRONG_SETTINGS, True)
