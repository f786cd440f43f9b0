"""The alerts and the board: valid, explained, tested, and about existing metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.engine.telemetry.families import FAMILIES

OPS = Path(__file__).parents[2] / "ops"
ALERTS, CASES = OPS / "prometheus" / "alerts.yml", OPS / "prometheus" / "alerts.test.yml"
BOARD, PROVISIONING = OPS / "grafana" / "board.json", OPS / "grafana" / "provisioning"
METRIC = re.compile(r"\bdavtari_[a-z_]+\b")
SELECTOR = re.compile(r"\b(davtari_[a-z_]+)\{([^}]*)\}")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
SERIES = {name for family in FAMILIES for name in (family.name, f"{family.name}_count", f"{family.name}_bucket")}
LABELS = {family.name: {*family.labels, "le"} for family in FAMILIES}


def read(file: Path) -> Any:
    """A file of YAML."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """All alerts."""
    return [rule for group in read(ALERTS)["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every query of the alerts and the board."""
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_every_queried_metric_exists() -> None:
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(asked) > 15
    assert asked <= SERIES, asked - SERIES


def test_every_queried_label_belongs_to_its_metric() -> None:
    for expression in expressions():
        for name, selected in SELECTOR.findall(expression):
            family = re.sub(r"_(count|bucket)$", "", name)
            asked = set(LABEL.findall(re.sub(r'"[^"]*"', '""', selected)))
            assert asked <= LABELS[family], f"{name}: {asked - LABELS[family]}"


def test_every_metric_for_people_is_on_a_board_or_in_an_alert() -> None:
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}
    shown = {re.sub(r"_(count|bucket)$", "", name) for name in asked}
    assert shown == {family.name for family in FAMILIES}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_explains_its_meaning_and_the_fix(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert all(len(rule["annotations"][part]) > 20 for part in ("summary", "description", "runbook"))
    assert rule["alert"] in CASES.read_text(encoding="utf-8"), "no case in alerts.test.yml has it fire"


def test_alert_names_are_unique() -> None:
    names = [rule["alert"] for rule in rules()]
    assert sorted(names) == sorted(set(names))


def test_alerts_fire_when_they_should_and_only_then() -> None:
    """Run promtool where it is installed; otherwise check that the cases are about these rules."""
    promtool = shutil.which("promtool")
    if promtool is None:
        assert read(CASES)["rule_files"] == [ALERTS.name]
        assert all(case["input_series"] for case in read(CASES)["tests"])
        return
    for about in (["check", "config", "prometheus.yml"], ["test", "rules", CASES.name]):
        done = subprocess.run([promtool, *about], cwd=CASES.parent, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_loads_the_alerts_and_scrapes_davtari() -> None:
    config = read(OPS / "prometheus" / "prometheus.yml")
    assert config["rule_files"] == [ALERTS.name]
    assert [job["job_name"] for job in config["scrape_configs"]] == ["davtari"]


def test_every_panel_of_the_board_has_a_title_an_explanation_and_the_provisioned_source() -> None:
    [source] = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    panels = json.loads(BOARD.read_text(encoding="utf-8"))["panels"]
    shown = [panel for panel in panels if panel["type"] != "row"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for panel in shown:
        assert panel["title"]
        assert len(panel["description"]) > 5
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}


def test_panels_of_the_board_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_provider_finds_the_board() -> None:
    [provider] = read(PROVISIONING / "dashboards" / "davtari.yml")["providers"]
    assert provider["options"]["path"] == "$DAVTARI_BOARDS"
