"""ops/kubernetes: each service has each piece, under names that fit together."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.settings import load
from tests.containers.composed import ROOT, run

KUBERNETES = ROOT / "ops/kubernetes"
Resource = dict[str, Any]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def mounted(pod: Resource, kind: str, name: str) -> set[str]:
    """The names of what a pod mounts of a kind."""
    return {volume[kind][name] for volume in pod["volumes"] if kind in volume}


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
    assert yaml.safe_load(made["patches"][0]["patch"])[0]["value"] == service


def test_a_deployment_is_replaced_never_doubled_and_watched() -> None:
    spec = read(KUBERNETES / "service/deployment.yaml")["spec"]
    container = spec["template"]["spec"]["containers"][0]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["resources"]["limits"]["memory"]


def test_the_settings_are_valid_as_they_are() -> None:
    settings = load(KUBERNETES / "settings.toml", environ={})
    secrets = {
        one.partition("=")[0] for one in read(KUBERNETES / "kustomization.yaml")["secretGenerator"][0]["literals"]
    }
    shop = settings.shops["main"]
    named = (settings.balance.password_file, shop.key_file, shop.secret_file, *shop.webhook_secret_files)
    assert {path.name for path in named} == secrets
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
        assert {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume} == set(
            rendered["Secret"]
        )


def test_the_policies_and_the_receiver_choose_pods_that_exist(rendered: dict[str, dict[str, Resource]]) -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in rendered["Deployment"].values()]
    chosen = [one["spec"]["podSelector"]["matchLabels"] for one in rendered["NetworkPolicy"].values()]
    chosen.append(rendered["Service"]["davtari-receiver"]["spec"]["selector"])
    assert [sum(wanted.items() <= found.items() for found in labels) for wanted in chosen] == [len(SERVICES), 1, 1]
