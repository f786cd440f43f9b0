"""A Kafka that anybody can use: no live flow writes while other machines reach it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from contracts.reasons import Reason
from services.accounting.checks.findings import FLOWS
from services.accounting.checks.gates import receipts_gate
from services.accounting.checks.kafka import check_broker_rights
from services.cli.check.systems import CheckedSystem, find_blocked_flows
from services.connectors.balance.client import Balance
from services.demo.kafka import Broker
from services.engine.kafka import authorization
from services.engine.kafka.authorization import AclRule, Operation, PatternKind, ResourceKind, RulesRefused, add_rules
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings
from tests.rights.sample_installation import sample_settings

pytestmark = pytest.mark.kafka
ELSEWHERE = "kafka.example.ge:9092"


def reached_from_elsewhere(kafka: Broker) -> KafkaSettings:
    """The broker of the run, which has no authorizer, beside a server of the same cluster on another machine."""
    return KafkaSettings(bootstrap_servers=f"{kafka.bootstrap_servers},{ELSEWHERE}")


async def test_a_kafka_that_only_this_machine_reaches_needs_no_rights(kafka: Broker) -> None:
    (finding,) = await check_broker_rights(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    assert finding.ok is True


async def test_an_open_kafka_that_other_machines_reach_lets_no_flow_go_live(kafka: Broker, tmp_path: Path) -> None:
    found = await check_broker_rights(reached_from_elsewhere(kafka))
    assert [(one.ok, one.flows) for one in found] == [(False, FLOWS)]
    assert f"checks no rights, and other machines reach it at {ELSEWHERE} ({Reason.KAFKA_OPEN})" in found[0].message
    assert "davtari rights apply" in found[0].fix
    blocked = find_blocked_flows([CheckedSystem("Kafka", findings=found)], sample_settings(tmp_path))
    assert blocked == {"main": list(FLOWS)}


async def test_a_port_that_is_open_at_another_address_of_this_machine_is_found(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that listens everywhere says that its address is 127.0.0.1, if that is how it was configured."""
    monkeypatch.setattr(authorization, "_own_addresses", lambda: ["127.0.0.2"])
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    port = int(kafka.bootstrap_servers.rpartition(":")[2])
    assert (await check_broker_rights(settings))[0].ok is True
    with socket.create_server(("127.0.0.2", port)):
        (finding,) = await check_broker_rights(settings)
    assert finding.ok is False
    assert f"127.0.0.2:{port}" in finding.message


async def test_a_service_keeps_the_lanes_of_live_flows_shut(kafka: Broker, tmp_path: Path) -> None:
    settings = live(sample_settings(tmp_path), reached_from_elsewhere(kafka))
    async with Balance(settings.balance, settings.balance.password()) as client:
        (gate,) = receipts_gate(settings, client, ["balance.receipts"])
        look = await gate.check()
    assert any(Reason.KAFKA_OPEN in fault for fault in look.faults)


async def test_in_a_dry_run_nothing_is_asked(kafka: Broker, tmp_path: Path) -> None:
    settings = sample_settings(tmp_path).model_copy(update={"kafka": reached_from_elsewhere(kafka)})
    async with Balance(settings.balance, settings.balance.password()) as client:
        assert receipts_gate(settings, client, ["balance.receipts"]) == []


def live(settings: Settings, kafka: KafkaSettings) -> Settings:
    """The settings with live payments."""
    shop = settings.shops["main"]
    flows = shop.flows.model_copy(update={"payments": "live"})
    return settings.model_copy(
        update={"kafka": kafka, "shops": {"main": shop.model_copy(update={"flows": flows})}},
    )


async def test_rights_cannot_be_given_where_none_are_checked(kafka: Broker) -> None:
    rule = AclRule("davtari-operator", Operation.READ, ResourceKind.TOPIC, "davtari.operations", PatternKind.LITERAL)
    with pytest.raises(RulesRefused, match=r"authorizer\.class\.name"):
        await add_rules(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), [rule])
