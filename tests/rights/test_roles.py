"""The rights of each role are what the code of the service does, no more and no less."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.json_schema import schema_of
from contracts.registry import EVENTS
from contracts.topics import TOPICS
from ops.acl.__main__ import FILE, main
from services.cli.registry import OPTIONAL_SERVICES, SERVICES, load_blueprint
from services.cli.rights.roles import (
    COMMANDS,
    ENGINE_WRITES,
    IMPERSONAL,
    KEYS,
    PERSONAL,
    PERSONAL_SERVICES,
    READS,
    RESTRICTED,
    WRITES,
    roles,
)
from services.cli.rights.rules import OPERATIONS, all_rules
from services.engine.kafka.authorization import PatternKind, ResourceKind
from services.engine.runtime.service import topics_read
from tests.rights.sample_installation import sample_settings

pytestmark = pytest.mark.claim("I7")
ROOT = Path(__file__).parents[2]
ROLES = {role.name: role for role in roles()}
ALL = [topic.name for topic in TOPICS]
EVERY_SERVICE = (*SERVICES, *OPTIONAL_SERVICES)
MADE_FOR = {"store-feed": ["services/connectors/woocommerce"], "balance-feed": ["services/connectors/balance"]}
"""Where events of a service are made besides in its own folder."""
SHARED = ("services/engine", "services/accounting", "services/connectors/identity")
"""Code that runs in every service."""
BY_NAME = {event.__name__: event for event in EVENTS}


def test_the_script_is_what_the_code_says() -> None:
    assert main(["--check"]) == 0


def test_a_stale_script_is_noticed(tmp_path: Path) -> None:
    stale = tmp_path / "acls.sh"
    assert main(["--check"], stale) == 1
    assert main([], stale) == 0
    assert main(["--check"], stale) == 0


def test_every_service_has_a_role() -> None:
    assert READS.keys() == WRITES.keys() == set(EVERY_SERVICE)


@pytest.mark.parametrize("service", EVERY_SERVICE)
async def test_a_service_may_read_exactly_what_it_consumes(service: str, tmp_path: Path) -> None:
    settings = sample_settings(tmp_path)
    async with load_blueprint(service)(settings) as blueprint:
        keys = {KEYS} if blueprint.personal else set()
        assert blueprint.personal == (service in PERSONAL_SERVICES)
        assert set(ROLES[service].reads) == {*topics_read(blueprint), *keys}
    assert ROLES[service].groups == (settings.kafka.group(service).replace(settings.kafka.topic_prefix, "@"),)


def made_in(folder: Path) -> Iterator[str]:
    """The names of the events that code in a folder makes."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (name := made_by(node.func)) in BY_NAME:
                yield name


def made_by(called: ast.expr) -> str:
    """The class of `Event(…)`, `module.Event(…)` or `Event.model_validate(…)`; reading JSON makes none."""
    if isinstance(called, ast.Attribute) and called.attr == "model_validate":
        called = called.value
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def topics_of(*folders: str) -> set[str]:
    """The topics of the events that code in these folders makes."""
    return {BY_NAME[name].TOPIC for folder in folders for name in made_in(ROOT / folder)}


def folders_of(service: str) -> list[str]:
    return [f"services/{service.replace('-', '_')}", *MADE_FOR.get(service, [])]


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_a_service_may_write_exactly_the_topics_that_it_makes_events_for(service: str) -> None:
    assert topics_of(*folders_of(service)) - set(ENGINE_WRITES) == set(WRITES[service])
    keys = {KEYS} if service in PERSONAL_SERVICES else set()
    assert set(ROLES[service].writes) == {*WRITES[service], *ENGINE_WRITES, *keys}


def test_what_services_share_makes_only_events_that_every_service_may_write() -> None:
    assert topics_of(*SHARED) == {*ENGINE_WRITES, KEYS}


def test_no_service_writes_commands() -> None:
    assert not set(COMMANDS) & set(ENGINE_WRITES)
    writers = {role.name for role in ROLES.values() if set(COMMANDS) & set(role.writes)}
    assert writers == {"operator", "console", "repairer"}
    assert not set(COMMANDS) & topics_of(*SHARED, *[folder for name in EVERY_SERVICE for folder in folders_of(name)])


def test_the_operator_may_write_exactly_what_the_command_line_makes() -> None:
    made = topics_of("services/cli") | set(COMMANDS)
    assert set(ROLES["operator"].writes) == made
    assert set(ROLES["console"].writes) == {*made, *ENGINE_WRITES}, "it runs on the engine, as a service does"


def test_nobody_publishes_in_transactions() -> None:
    """Otherwise rights to transactional ids would be needed."""
    sources = [file for file in (ROOT / "services").rglob("*.py") if "transactional_id" in file.read_text()]
    assert sources == []


def test_every_topic_is_for_one_kind_of_subscriber_or_for_none() -> None:
    offered = [topic for topics in (*IMPERSONAL.values(), *PERSONAL.values(), RESTRICTED) for topic in topics]
    assert sorted(offered) == sorted(ALL)


def test_subscribers_without_personal_data_get_none() -> None:
    offered = {topic for topics in IMPERSONAL.values() for topic in topics}
    personal = {event.TOPIC for event in EVENTS if '"person' in json.dumps(schema_of(event))}
    assert {"shop.orders", "ledger.documents", "dead-letters"} <= personal
    assert offered & personal == set()


def test_the_keys_of_people_are_for_those_who_open_their_data() -> None:
    readers = {role.name for role in ROLES.values() if KEYS in role.reads}
    assert readers == {*PERSONAL_SERVICES, "all-in-one", "operator", "console", "repairer", "person-reader"}
    writers = {role.name for role in ROLES.values() if KEYS in role.writes}
    assert writers == readers - {"person-reader"}


def test_the_script_and_the_command_add_the_same_rules(tmp_path: Path) -> None:
    rules = {
        (f"User:{rule.user}", rule.operation, rule.resource, rule.name, rule.pattern) for rule in all_rules("shop-a.")
    }
    assert set(rules_of_the_script(calls_of_the_script(tmp_path, "shop-a."))) == rules


def rules_of_the_script(calls: list[list[str]]) -> Iterator[tuple[object, ...]]:
    """The rules that the calls of `kafka-acls` would make."""
    for given in (options(call) for call in calls if call[0] == "kafka-acls"):
        pattern = PatternKind[given["resource-pattern-type"][0].upper()]
        for kind in ("topic", "group"):
            for name in given.get(kind, ()):
                for operation in given["operation"]:
                    who = given["allow-principal"][0]
                    yield who, OPERATIONS[operation], ResourceKind[kind.upper()], name, pattern


def test_the_script_gives_subscribers_a_quota_and_nothing_to_write(tmp_path: Path) -> None:
    calls = [(call[0], options(call)) for call in calls_of_the_script(tmp_path, "shop-a.")]
    assert {given["bootstrap-server"][0] for _, given in calls} == {"k:1"}
    readers = {role.principal for role in ROLES.values() if role.name.startswith(("subscriber-", "person-reader"))}
    subscribers = [given for _, given in calls if any(one in str(given.get("allow-principal")) for one in readers)]
    assert {operation for given in subscribers for operation in given["operation"]} == {"Read"}
    assert all(name.startswith("shop-a.") for given in subscribers for name in given.get("topic", given.get("group")))
    limited = {given["entity-name"][0] for name, given in calls if name == "kafka-configs"}
    assert limited == readers


def calls_of_the_script(folder: Path, prefix: str) -> list[list[str]]:
    """What `acls.sh` asks of Kafka's commands, one list of arguments each, the command's name first."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("kafka-acls", "kafka-configs"):
        (tools / name).write_text(f'#!/bin/sh\nprintf "%s\\037" {name} "$@"\necho\n')
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PREFIX": prefix, "KAFKA": "k:1"}
    done = subprocess.run([str(FILE)], env=environment, capture_output=True, text=True, check=True)
    return [line.split("\037")[:-1] for line in done.stdout.splitlines()]


def options(call: list[str]) -> dict[str, list[str]]:
    """The options of a call with their values; a flag has none."""
    found: dict[str, list[str]] = {}
    for word in call[1:]:
        if word.startswith("--"):
            name = word[2:]
            found.setdefault(name, [])
        else:
            found[name].append(word)
    return found
