"""compose.yaml by reading it: every container is bounded, confined, watched, and has a place of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.command_keys import KEY_FILE
from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.cli.rights.secrets import files_of
from services.cli.rights.users import ADMINISTRATOR
from services.cli.rights.volumes import TOKEN, lay_out_all
from tests.containers.composed import ROOT
from tests.rights.sample_installation import sample_settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [*SERVICES, *OPTIONAL_SERVICES]
LASTING = [name for name, made in CONTAINERS.items() if made.get("restart") == "unless-stopped"]


def of(name: str) -> dict[str, Any]:
    return CONTAINERS[name]


def volumes(name: str) -> dict[str, str]:
    """`{where: what}` of everything that is mounted."""
    parts = [mount.removesuffix(":ro").rpartition(":") for mount in of(name).get("volumes", [])]
    return {where: what for what, _, where in parts}


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
    assert name in COMPOSE["volumes"]
    assert of(name)["depends_on"]["topics"] == {"condition": "service_completed_successfully"}


def test_without_a_profile_only_kafka_the_jobs_and_the_services_run() -> None:
    always = {name for name, made in CONTAINERS.items() if not made.get("profiles")}
    assert always == {"kafka", "settings", "rights", "topics", *SERVICES}


def test_what_depends_on_a_profile_does_so_only_where_it_is_chosen() -> None:
    for name, made in CONTAINERS.items():
        for other, how in made.get("depends_on", {}).items():
            same = set(of(other).get("profiles", [])) <= set(made.get("profiles", []))
            assert same or how.get("required") is False, f"{name} cannot start without a profile of {other}"


def test_the_broker_makes_no_topics_by_itself_and_keeps_its_data() -> None:
    assert of("kafka")["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert volumes("kafka")[of("kafka")["environment"]["KAFKA_LOG_DIRS"]] == "kafka"


@pytest.mark.parametrize("name", OURS)
def test_every_service_mounts_its_own_secrets_and_signs_in_as_itself(name: str) -> None:
    assert volumes(name)["/etc/davtari"] == f"{name}-settings"
    assert of(name)["environment"]["DAVTARI__KAFKA__USER_NAME"] == f"davtari-{name}"
    assert of(name)["environment"]["DAVTARI__KAFKA__SECURITY_PROTOCOL"] == "SASL_PLAINTEXT"
    assert of(name)["environment"]["DAVTARI__TELEMETRY__TOKEN_FILE"] == f"/etc/davtari/{TOKEN}"


def test_the_secrets_of_one_container_are_in_no_other() -> None:
    """Besides the jobs that lay them out, and that have ended before any service starts."""
    holders: dict[str, set[str]] = {}
    for name in CONTAINERS:
        for what in volumes(name).values():
            if what.endswith(("-settings", "}")) or what == "passwords":
                holders.setdefault(what, set()).add(name)
    mounted = {what: names - {"settings", "sandbox-settings"} for what, names in holders.items()}
    assert mounted == {
        "${DAVTARI_CONFIG:-.}": set(),
        "passwords": set(),
        **{f"{name}-settings": {name} for name in (*OURS, "prometheus")},
        "operator-settings": {"operator", "retention"},
        "broker-settings": {"kafka"},
        "administrator-settings": {"rights", "topics"},
        "demo-settings": {"plan", "story"},
    }
    assert holders["passwords"] == holders["${DAVTARI_CONFIG:-.}"] == {"settings"}


def test_only_the_jobs_that_lay_out_secrets_can_write_them() -> None:
    for name in set(CONTAINERS) - {"settings", "sandbox-settings"}:
        for mount in of(name).get("volumes", []):
            assert "-settings:" not in mount or mount.endswith(":ro"), f"{name} can write {mount}"


def test_the_volumes_hold_what_each_container_needs(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    given = sample_settings(tmp_path / "given")
    lay_out_all(tmp_path / "given", tmp_path / "volumes", tmp_path / "passwords")
    laid = {volume.name: volume for volume in (tmp_path / "volumes").iterdir()}
    mounts = {volumes("settings")[where] for where in volumes("settings") if where.startswith("/volumes/")}
    assert {f"{name}-settings" for name in laid} == mounts
    for name in OURS:
        held = {file.name for file in (laid[name] / "own").rglob("*") if file.is_file()}
        assert held == {"davtari.toml", *[file.name for file in files_of(given, name)]}
    assert not (laid["administrator"] / "own/secrets").exists()
    assert {file.name for file in laid["broker"].iterdir()} == {"kafka.jaas"}
    signing = [file for name in OURS for file in laid[name].rglob("*") if file.name == Path(KEY_FILE).name]
    assert signing == [], "a service that was taken over could sign commands"
    assert {file.name for file in laid["prometheus"].iterdir()} == {TOKEN}
    passwords = [(laid[name] / "kafka-password").read_text() for name in (*OURS, "operator", "administrator")]
    assert len(set(passwords)) == len(passwords)
    assert all(secret.strip() in (laid["broker"] / "kafka.jaas").read_text() for secret in passwords)


def test_passwords_stay_the_same_at_the_next_start(tmp_path: Path) -> None:
    for _ in range(2):
        lay_out_all(tmp_path, tmp_path / "volumes", tmp_path / "passwords")
        seen = (tmp_path / "volumes/broker/kafka.jaas").read_text()
    assert (tmp_path / "passwords/davtari-operator").read_text().strip() in seen
    kept = (tmp_path / "passwords/davtari-operator").read_text()
    lay_out_all(tmp_path, tmp_path / "volumes", tmp_path / "passwords")
    assert (tmp_path / "volumes/operator/kafka-password").read_text() == kept


def test_kafka_asks_everybody_for_a_password_and_checks_rights() -> None:
    settings = of("kafka")["environment"]
    protocols = dict(pair.split(":") for pair in settings["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert protocols == dict.fromkeys(("INSIDE", "HOST", "CONTROLLER"), "SASL_PLAINTEXT")
    assert settings["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    assert settings["KAFKA_SUPER_USERS"] == f"User:{ADMINISTRATOR}"
    assert "ALLOW_EVERYONE" not in str(settings)


def test_grafana_has_no_password_to_guess() -> None:
    settings = of("grafana")["environment"]
    assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert (settings["GF_AUTH_DISABLE_LOGIN_FORM"], settings["GF_AUTH_BASIC_ENABLED"]) == ("true", "false")
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = {what for name in CONTAINERS for what in volumes(name).values() if what.startswith("./")}
    assert mounted
    assert not [path for path in mounted if not (ROOT / path).exists()]


def test_prometheus_reads_every_service() -> None:
    read = yaml.safe_load((ROOT / "ops/compose/prometheus.yml").read_text(encoding="utf-8"))
    targets = read["scrape_configs"][0]["static_configs"][0]["targets"]
    sent = read["scrape_configs"][0]["authorization"]["credentials_file"]
    assert volumes("prometheus")[sent.removesuffix(f"/{TOKEN}")] == "prometheus-settings"
    assert targets == [f"{name}:9464" for name in OURS if name in SERVICES]
