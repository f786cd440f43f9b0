"""compose.yaml by reading it: every container is bounded, confined, watched, and has a place of its own."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from tests.containers.composed import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [*SERVICES, *OPTIONAL_SERVICES]
LASTING = [name for name, made in CONTAINERS.items() if made.get("restart") == "unless-stopped"]


def of(name: str) -> dict[str, Any]:
    return CONTAINERS[name]


def volumes(name: str) -> dict[str, str]:
    """`{where: what}` of everything that is mounted."""
    parts = [mount.split(":") for mount in of(name).get("volumes", [])]
    return {mount[1]: mount[0] for mount in parts}


def test_every_service_of_davtari_has_a_container_that_runs_it() -> None:
    assert {name: of(name)["command"] for name in OURS} == {name: ["run", name] for name in OURS}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_bounded_and_says_little(name: str) -> None:
    limits = of(name)["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert float(limits["cpus"]) > 0
    assert of(name)["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_has_few_rights_and_none_is_open_to_other_machines(name: str) -> None:
    assert of(name)["cap_drop"] == ["ALL"]
    assert of(name)["security_opt"] == ["no-new-privileges:true"]
    assert of(name).get("read_only") is True or name == "kafka"
    assert all(port.startswith("127.0.0.1:") for port in of(name).get("ports", []))


@pytest.mark.parametrize("name", LASTING)
def test_whatever_runs_for_long_is_watched(name: str) -> None:
    assert of(name)["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_every_service_starts_again_and_keeps_its_state_in_a_volume_of_its_own(name: str) -> None:
    assert of(name)["restart"] == "unless-stopped"
    assert volumes(name)["/var/lib/davtari"] == name
    assert volumes(name)["/etc/davtari"] == "settings"
    assert name in COMPOSE["volumes"]
    assert of(name)["depends_on"]["topics"] == {"condition": "service_completed_successfully"}


def test_without_a_profile_only_kafka_the_jobs_and_the_services_run() -> None:
    always = {name for name, made in CONTAINERS.items() if not made.get("profiles")}
    assert always == {"kafka", "settings", "topics", *SERVICES}


def test_what_depends_on_a_profile_does_so_only_where_it_is_chosen() -> None:
    for name, made in CONTAINERS.items():
        for other, how in made.get("depends_on", {}).items():
            same = set(of(other).get("profiles", [])) <= set(made.get("profiles", []))
            assert same or how.get("required") is False, f"{name} cannot start without a profile of {other}"


def test_the_broker_makes_no_topics_by_itself_and_keeps_its_data() -> None:
    assert of("kafka")["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert volumes("kafka")[of("kafka")["environment"]["KAFKA_LOG_DIRS"]] == "kafka"


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = {what for name in CONTAINERS for what in volumes(name).values() if what.startswith("./")}
    assert mounted
    assert not [path for path in mounted if not (ROOT / path).exists()]


def test_prometheus_reads_every_service() -> None:
    read = yaml.safe_load((ROOT / "ops/compose/prometheus.yml").read_text(encoding="utf-8"))
    targets = read["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == [f"{name}:9464" for name in OURS if name in SERVICES]
