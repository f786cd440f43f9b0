"""A storefront manager lists Balance's groups, changes their mapping, and applies the resulting plan."""

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
from tests.end_to_end.system import SystemUnderTest, start_system

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


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("mapping"), kafka.bootstrap_servers, flows=ALL_DRY) as made:
        for service in ("balance-feed", "catalog-importer"):
            await made.programs.start(service)
        await made.wait_until_idle()
        yield made


async def _invoke(system: SystemUnderTest, *arguments: str) -> Result:
    """Run a command in this process; the services run in their own."""
    whole = ["--settings", str(system.world.settings_file), *arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, whole)


async def _invoke_json(system: SystemUnderTest, *arguments: str) -> Any:
    result = await _invoke(system, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def _read_fate(system: SystemUnderTest, uid: str) -> str:
    [found] = [group for group in await _invoke_json(system, "plan", "groups") if group["uid"] == uid]
    return str(found["fate"])


@pytest.mark.claim("S0.39", "S1.5", "S1.9")
async def test_a_group_is_excluded_and_included_and_a_plan_needs_its_category(system: SystemUnderTest) -> None:
    # given the tree of groups, and a plan
    before = (await _invoke_json(system, "plan", "items"))["counts"]
    assert (await _read_fate(system, DRINKS_UID), await _read_fate(system, SERVICES_UID)) == ("category", "not mapped")
    # when the manager only looks, nothing is saved
    preview = await _invoke_json(system, "mapping", "exclude", DRINKS_UID)
    hidden = preview["effect"]["skipped"]
    assert (preview["saved"], hidden > 0, await _read_fate(system, DRINKS_UID)) == (False, True, "category")
    # when it is confirmed with --yes, as many more items are skipped as announced
    saved = await _invoke(system, "mapping", "exclude", DRINKS_UID, "--yes")
    assert "Saved; the catalogue flow is in dry-run" in saved.output
    plan = await _invoke_json(system, "plan", "items")
    assert plan["counts"]["skip"] == before["skip"] + hidden
    assert await _read_fate(system, DRINKS_UID) == "excluded"
    # and a plan is not applied while a selected group has no category; the command that fixes it is named
    await _invoke(system, "mapping", "include", SERVICES_UID, "--yes")
    refused = await _invoke(system, "apply", plan["plan"])
    assert (refused.exit_code, f"davtari mapping set {SERVICES_UID}" in refused.output) == (1, True)
    # when that is taken back, the plan is written
    await _invoke(system, "mapping", "clear", SERVICES_UID, "--yes")
    applied = await _invoke(system, "apply", plan["plan"])
    assert applied.exit_code == 0, applied.output


@pytest.mark.claim("S1.7")
async def test_no_command_and_no_log_prints_a_secret(system: SystemUnderTest) -> None:
    results = [await _invoke(system, *look.split(), *how) for look in LOOKS for how in ((), ("--json",))]
    texts = [one.output for one in results]
    texts += [log.read_text(encoding="utf-8") for log in system.world.folder.rglob("*.log")]
    assert len(texts) == 2 * len(LOOKS) + 2
    assert all(texts)
    assert [secret for secret in SECRETS for text in texts if secret in text] == []


@pytest.mark.claim("S3.6")
async def test_products_known_only_to_the_shop_are_listed_and_not_changed(system: SystemUnderTest) -> None:
    before = await system.writes()
    listed = await _invoke_json(system, "plan", "shop-only")
    assert listed
    assert all(one["why"] for one in listed)
    assert await system.writes() == before
