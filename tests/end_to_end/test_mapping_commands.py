"""A storefront manager looks at Balance's groups, changes what becomes of them, and applies the plan that follows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.demo.environment import ALL_DRY, WEBHOOK_SECRET
from services.demo.kafka import Broker
from services.sandbox.balance.goods import DRINKS, SERVICE_FOLDER, group_uid
from tests.end_to_end.stage import Stage, stage

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("mapping"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]
DRINKS_UID, SERVICES_UID = group_uid(DRINKS), group_uid(SERVICE_FOLDER)

SECRETS = ("cs_sandbox", "ck_sandbox", WEBHOOK_SECRET)
LOOKS = ("check", "sync-matrix", "status", "plan items", "plan groups", "plan shop-only", "mapping list")
"""Commands that only look; each in words and as data."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("mapping"), kafka.bootstrap_servers, flows=ALL_DRY) as made:
        for service in ("balance-feed", "catalog-importer"):
            await made.programs.start(service)
        await made.comes_to_rest()
        yield made


async def _said(stage: Stage, *arguments: str) -> Result:
    """What a command says, in this process: the services run in their own."""
    whole = ["--settings", str(stage.world.settings_file), *arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, whole)


async def _data(stage: Stage, *arguments: str) -> Any:
    said = await _said(stage, *arguments, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


async def _fate(stage: Stage, uid: str) -> str:
    [found] = [group for group in await _data(stage, "plan", "groups") if group["uid"] == uid]
    return str(found["fate"])


@pytest.mark.claim("S0.39", "S1.5", "S1.9")
async def test_a_group_is_shut_and_opened_and_a_plan_waits_for_its_category(stage: Stage) -> None:
    # given the tree of groups, and a plan
    before = (await _data(stage, "plan", "items"))["counts"]
    assert (await _fate(stage, DRINKS_UID), await _fate(stage, SERVICES_UID)) == ("category", "not mapped")
    # when the manager only looks, nothing is saved
    looked = await _data(stage, "mapping", "exclude", DRINKS_UID)
    hidden = looked["effect"]["skipped"]
    assert (looked["saved"], hidden > 0, await _fate(stage, DRINKS_UID)) == (False, True, "category")
    # when it is said with yes, just as many items are skipped more
    saved = await _said(stage, "mapping", "exclude", DRINKS_UID, "--yes")
    assert "Saved; the catalogue flow is in dry-run" in saved.output
    plan = await _data(stage, "plan", "items")
    assert plan["counts"]["skip"] == before["skip"] + hidden
    assert await _fate(stage, DRINKS_UID) == "excluded"
    # and a plan is not applied while a selected group has no category; the command that mends it is named
    await _said(stage, "mapping", "include", SERVICES_UID, "--yes")
    refused = await _said(stage, "apply", plan["plan"])
    assert (refused.exit_code, f"davtari mapping set {SERVICES_UID}" in refused.output) == (1, True)
    # when that is taken back, the plan is written
    await _said(stage, "mapping", "clear", SERVICES_UID, "--yes")
    applied = await _said(stage, "apply", plan["plan"])
    assert applied.exit_code == 0, applied.output


@pytest.mark.claim("S1.7")
async def test_no_command_and_no_log_echoes_a_secret(stage: Stage) -> None:
    said = [await _said(stage, *look.split(), *how) for look in LOOKS for how in ((), ("--json",))]
    texts = [one.output for one in said]
    texts += [log.read_text(encoding="utf-8") for log in stage.world.folder.rglob("*.log")]
    assert len(texts) == 2 * len(LOOKS) + 2
    assert all(texts)
    assert [secret for secret in SECRETS for text in texts if secret in text] == []


@pytest.mark.claim("S3.6")
async def test_what_only_the_shop_has_is_listed_and_left_alone(stage: Stage) -> None:
    before = await stage.writes()
    listed = await _data(stage, "plan", "shop-only")
    assert listed
    assert all(one["why"] for one in listed)
    assert await stage.writes() == before
