"""ops/kubernetes: each service has each piece, under names that fit together."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.cli.rights.secrets import files_of
from services.settings import load
from tests.containers.composed import ROOT, run
from tests.rights.sample_installation import sample_settings

KUBERNETES = ROOT / "ops/kubernetes"
Resource = dict[str, Any]
UPSTREAM = ("balance", "shop-main", "webhooks-main", "privacy", "commands")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def mounted(pod: Resource, kind: str, name: str) -> set[str]:
    """The names of what a pod mounts of a kind."""
    return {volume[kind][name] for volume in pod["volumes"] if kind in volume}


def _secrets() -> dict[str, set[str]]:
    """The keys of each secret, also of the one that only a service of choice needs."""
    text = (KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8").replace("  # - {", "  - {")
    return {
        one["name"]: {literal.partition("=")[0] for literal in one["literals"]}
        for one in yaml.safe_load(text)["secretGenerator"]
    }


SECRETS = _secrets()


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, Resource]]:
    """What would be applied: `{kind: {name: resource}}`."""
    tool = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    if shutil.which(tool[0]) is None:
        pytest.skip("neither kubectl nor kustomize is here; the other tests of this module read the files")
    done = run(*tool, str(KUBERNETES))
    assert done.returncode == 0, done.stderr
    found: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
    for resource in yaml.safe_load_all(done.stdout):
        found[resource["kind"]][resource["metadata"]["name"]] = resource
    return found


def test_every_file_and_folder_that_is_listed_is_there() -> None:
    for kustomization in KUBERNETES.rglob("kustomization.yaml"):
        for listed in read(kustomization)["resources"]:
            assert (kustomization.parent / listed).exists(), f"{kustomization}: {listed}"


def test_every_service_is_listed_and_every_other_can_be() -> None:
    listed = {
        one.removeprefix("services/") for one in read(KUBERNETES / "kustomization.yaml")["resources"] if "/" in one
    }
    assert listed == set(SERVICES)
    assert {folder.name for folder in (KUBERNETES / "services").iterdir()} == {*SERVICES, *OPTIONAL_SERVICES}


@pytest.mark.parametrize("service", [*SERVICES, *OPTIONAL_SERVICES])
def test_each_says_the_same_of_itself_everywhere(service: str) -> None:
    made = read(KUBERNETES / "services" / service / "kustomization.yaml")
    assert made["nameSuffix"] == f"-{service}"
    assert made["labels"][0]["pairs"]["app.kubernetes.io/component"] == service
    patched = {one["path"].rpartition("/spec/")[2]: one["value"] for one in yaml.safe_load(made["patches"][0]["patch"])}
    assert patched["containers/0/args/1"] == service
    assert patched["containers/0/env/0/value"] == f"davtari-{service}"
    assert patched["volumes/1/projected/sources/0/secret/name"] == f"kafka-{service}"


@pytest.mark.parametrize("service", [*SERVICES, *OPTIONAL_SERVICES])
def test_a_service_has_the_secrets_that_it_reads_and_no_others(service: str, tmp_path: Path) -> None:
    made = read(KUBERNETES / "services" / service / "kustomization.yaml")
    added = [one for one in yaml.safe_load(made["patches"][0]["patch"]) if one["path"].endswith("/sources/-")]
    base = read(KUBERNETES / "service/deployment.yaml")["spec"]["template"]["spec"]["volumes"][1]["projected"][
        "sources"
    ]
    names = [one["value"]["secret"]["name"] for one in added] + [one["secret"]["name"] for one in base[2:]]
    has = {key for name in names for key in SECRETS[name]}
    settings = sample_settings(tmp_path)
    assert has == {file.name for file in files_of(settings, service)}


def test_a_deployment_is_replaced_never_doubled_and_watched() -> None:
    spec = read(KUBERNETES / "service/deployment.yaml")["spec"]
    container = spec["template"]["spec"]["containers"][0]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert container["livenessProbe"]["exec"]["command"] == ["python", "-m", "services.cli.health", "livez"]
    assert container["readinessProbe"]["exec"]["command"] == ["python", "-m", "services.cli.health", "readyz"]


def test_the_settings_are_valid_as_they_are() -> None:
    settings = load(KUBERNETES / "settings.toml", environ={})
    shop = settings.shops["main"]
    assert settings.privacy.secret_file is not None
    assert settings.commands.public_key_file is not None
    assert settings.commands.key_file is None, "whoever has it can act as a person"
    named = (
        settings.balance.password_file, settings.privacy.secret_file, settings.commands.public_key_file,
        shop.key_file, shop.secret_file, *shop.webhook_secret_files,
    )  # fmt: skip
    assert {path.name for path in named} == {key for name in UPSTREAM for key in SECRETS[name]}
    assert settings.kafka.password_file is not None
    assert {key for name in SECRETS if name.startswith("kafka-") for key in SECRETS[name]} == {
        settings.kafka.password_file.name
    }
    assert settings.kafka.security_protocol == "SASL_SSL"
    assert settings.kafka.replication_factor == 3


def test_each_service_has_a_deployment_and_a_volume_of_its_own(rendered: dict[str, dict[str, Resource]]) -> None:
    for service in SERVICES:
        pod = rendered["Deployment"][f"davtari-{service}"]["spec"]["template"]["spec"]
        claims = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["volumes"]
            if "persistentVolumeClaim" in volume
        ]
        assert claims == [f"davtari-{service}"]
        assert claims[0] in rendered["PersistentVolumeClaim"]
        assert pod["containers"][0]["args"] == ["run", service]


def test_every_pod_is_confined_and_reads_the_settings_of_now(rendered: dict[str, dict[str, Resource]]) -> None:
    pods = [one["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for one in rendered[kind].values()]
    assert len(pods) == len(SERVICES) + 1
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} == set(
            rendered["ConfigMap"]
        )
        assert secrets_of(pod) <= set(rendered["Secret"])
        assert {"cpu", "memory", "ephemeral-storage"} == set(pod["containers"][0]["resources"]["limits"])


def secrets_of(pod: Resource) -> set[str]:
    """The names of the secrets that a pod mounts."""
    projected = [source for volume in pod["volumes"] for source in volume.get("projected", {}).get("sources", [])]
    return {source["secret"]["name"] for source in projected} | mounted(pod, "secret", "secretName")


def test_balance_and_the_shop_are_known_only_where_they_are_called(rendered: dict[str, dict[str, Resource]]) -> None:
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for name, made in (rendered["Deployment"] | rendered["Job"]).items():
        for secret in secrets_of(made["spec"]["template"]["spec"]):
            holders[secret.rpartition("-")[0]].add(name.removeprefix("davtari-"))
    assert holders["balance"] == {"balance-feed", "order-exporter", "refund-exporter"}
    assert holders["shop-main"] == {"store-feed", "catalog-importer", "stock-publisher", "order-notifier"}
    assert holders["webhooks-main"] == {"store-feed"}
    assert holders["kafka-operator"] == {"topics"}
    assert {service: holders[f"kafka-{service}"] for service in SERVICES} == {one: {one} for one in SERVICES}


def test_whatever_is_not_allowed_is_denied(rendered: dict[str, dict[str, Resource]]) -> None:
    policies = rendered["NetworkPolicy"]
    denied = policies["default-deny"]["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        for rule in policy["spec"].get("egress", []):
            assert rule["to"], f"{name} leads anywhere"
            assert rule["ports"], f"{name} leads to any port"
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"], f"{name} lets anybody in"
    (outside,) = policies["davtari-upstreams"]["spec"]["egress"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        outside["to"][0]["ipBlock"]["except"]
    )


def test_the_policies_and_the_receiver_choose_pods_that_exist(rendered: dict[str, dict[str, Resource]]) -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in rendered["Deployment"].values()]
    chosen = {
        name: one["spec"]["podSelector"].get("matchLabels", {}) for name, one in rendered["NetworkPolicy"].items()
    }
    chosen["receiver"] = rendered["Service"]["davtari-receiver"]["spec"]["selector"]
    reached = {name: sum(wanted.items() <= found.items() for found in labels) for name, wanted in chosen.items()}
    everybody = dict.fromkeys(
        ("default-deny", "davtari-kafka", "davtari-upstreams", "davtari-telemetry"), len(SERVICES)
    )
    assert reached == everybody | {"davtari-webhooks": 1, "receiver": 1}
