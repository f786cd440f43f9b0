"""`davtari init` asks step by step, and tries each answer against both systems."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from services.demo.environment import ALL_LIVE, SandboxEnvironment, start_environment
from services.demo.kafka import Broker
from services.engine.kafka.topics import create_topics
from services.sandbox.balance.stock_and_prices import GEL
from services.settings import load
from tests.end_to_end.programs import DAVTARI

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("set-up"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
PATIENCE = 60.0
SECRETS = ("sandbox-password", "cs_sandbox", "ck_sandbox")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="made")
async def _made(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxEnvironment]:
    async with start_environment(
        tmp_path_factory.mktemp("set-up"), kafka.bootstrap_servers, f"t{uuid4().hex[:12]}."
    ) as made:
        await create_topics(made.write_settings(ALL_LIVE).kafka)
        await _set(made, {"rights": {"password": "sandbox-password"}})
        (made.folder / "secrets" / "balance-password").write_text("sandbox-password\n", encoding="utf-8")
        yield made


async def _set(made: SandboxEnvironment, change: dict[str, Any]) -> None:
    (await made.balance.put("/_sandbox/settings", json=change)).raise_for_status()


async def _on_a_terminal(arguments: Sequence[str], folder: Path, answers: Sequence[str]) -> tuple[int, str]:
    """Run a command as at a terminal, answering each question; gives its exit code and all that was to be seen."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        DAVTARI, *arguments, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    seen, left = "", list(answers)
    try:
        async with asyncio.timeout(PATIENCE):
            while part := await asyncio.to_thread(_read, ours):
                seen += part
                if left and PROMPT.search(seen):
                    answer = left.pop(0)
                    if answer == CTRL_C:
                        await _interrupted(process, ours)
                    else:
                        os.write(ours, f"{answer}\n".encode())
            code = await process.wait()
    except TimeoutError:
        raise AssertionError(f"it waits, and {left} are still to be given, after:\n{seen}") from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        os.close(ours)
    assert not left, f"never asked for: {left}\n{seen}"
    return code, seen


async def _interrupted(process: asyncio.subprocess.Process, terminal: int) -> None:
    """Press Ctrl-C, again while it had no effect: a key that comes just before the process waits for one is lost."""
    while process.returncode is None:
        os.write(terminal, CTRL_C.encode())
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await process.wait()


CTRL_C = "\x03"
PROMPT = re.compile(r": (\x1b\[[0-9;?]*[A-Za-z])*$")
"""A question ends with a colon and a blank, on a terminal perhaps with what sets its colours back."""


def _take_terminal() -> None:
    """Make the child's standard input its controlling terminal, where passwords are asked for."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(file: int) -> str:
    try:
        return os.read(file, 65536).decode(errors="replace")
    except OSError:  # the other side has closed it
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' terminals")
@pytest.mark.claim("S0.36")
async def test_init_asks_step_by_step_and_tries_each_answer(made: SandboxEnvironment) -> None:
    folder = made.folder / "new"
    folder.mkdir()
    (folder / "ca.pem").write_bytes((made.folder / "shop-ca.pem").read_bytes())
    url = f"{made.balance_at.url}/Balance_Exchange/hs/Exchange"
    # given answers with a wrong address and password, then two warehouses and two groups, one of them new
    nowhere = ["on-prem", "server/Exchange", "http://127.0.0.1:1/x", "integration", "mistyped", "b2c", "y"]
    wrong = ["", url, "", "", "", "y"]
    right = ["", "", "", "sandbox-password", ""]
    shop = ["main", made.shop_at.url, "ck_sandbox", "cs_sandbox", "ca.pem"]
    sold = ["1, 2", "1", "1", "2", "", "1, 2", "1", "y", "3"]
    last = [made.kafka, "https://davtari.example.test"]
    code, seen = await _on_a_terminal(["init"], folder, [*nowhere, *wrong, *right, *shop, *sold, *last])
    # then each step was tried at once
    assert code == 0, seen
    assert "must begin with http:// or https://" in seen
    assert "connection   no answer" in seen
    assert "does not know the user integration" in seen
    # price types are shown with an item and its price
    assert re.search(r"prices, such as \S+ .*: \d+\.\d\d", seen)
    assert seen.index("Warehouses   3 rows") < seen.index("HPOS on") < seen.index("Groups in Balance")
    assert "sync-matrix" in seen
    # and the file can be used, with everything in dry run
    settings = load(folder / "davtari.toml", environ={})
    main = settings.shops["main"]
    assert set(main.flows.model_dump(exclude={"payments"}).values()) == {"dry-run"}
    assert (main.stock.policy, main.stock.warehouses) == ("aggregate", ("Main", "Vake"))
    assert main.orders.warehouse and main.prices.regular_type and main.prices.sale_type
    assert len(main.catalogue.groups) == 2
    made_now = [one for one in (await _categories(made)) if one["name"] in seen.partition("Category ")[2]]
    assert made_now[0]["id"] in {id_ for ids in main.catalogue.groups.values() for id_ in ids}
    assert settings.balance.currencies == {"GEL": GEL}
    assert not (folder / "davtari.answers").exists()
    assert settings.receiver.public_url == "https://davtari.example.test"
    # and secrets are in files that only their owner may read, nowhere else
    text = (folder / "davtari.toml").read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text or secret in seen]
    files = {path.name: path.stat().st_mode & 0o777 for path in (folder / "secrets").iterdir()}
    private = ("balance-password", "main-key", "main-secret", "main-webhook", "privacy", "command-key")
    assert files == dict.fromkeys(private, 0o600) | {"command-key.pub": 0o644}
    assert settings.balance.password().get_secret_value() == "sandbox-password"


async def _categories(made: SandboxEnvironment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await made.shop.get("/wp-json/wc/v3/products/categories")).raise_for_status().json()
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' terminals")
@pytest.mark.parametrize("given", [0, 2, 3, 5])
async def test_ctrl_c_ends_init_at_any_question_and_what_was_answered_is_offered_next_time(
    tmp_path: Path, given: int
) -> None:
    answers = ["on-prem", "http://127.0.0.1:1/x", "integration", "typed-secret", "b2c", "y"]
    code, seen = await _on_a_terminal(["init"], tmp_path, [*answers[:given], CTRL_C])
    assert code == 130, seen
    assert "Interrupted at the question" in seen
    assert "Traceback" not in seen
    assert not (tmp_path / "davtari.toml").exists()
    # when it is started again, then each answer so far is the default, and the secret is in its file only
    code, again = await _on_a_terminal(["init"], tmp_path, [*[""] * min(given, 4), CTRL_C])
    assert code == 130, again
    for answer in answers[: min(given, 3)]:
        assert f"[{answer}]" in again
    assert ("empty: keep the current one" in again) == (given >= 4)
    kept = tmp_path / "davtari.answers"
    if kept.exists():
        assert "typed-secret" not in kept.read_text(encoding="utf-8") + seen + again
        assert kept.stat().st_mode & 0o777 == 0o600
