"""`docker compose up` without a profile: the user's own davtari.toml and secrets."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tests.containers.composed import Project, docker

pytestmark = [pytest.mark.containers, pytest.mark.long, pytest.mark.timeout(600), pytest.mark.xdist_group("containers")]
SECRETS = dict.fromkeys(("balance-password", "main-key", "main-secret", "main-webhook"), "not a real one\n")
SECRETS["privacy"] = "not a real one, but as long as a real one is\n"
SECRETS["alert"] = "jsons://alerts.invalid\n"
ALERTS = '[alerts.recipients.owner]\nurl-file = "secrets/alert"\n'


def test_without_settings_nothing_starts_and_the_reason_is_logged(own: Project) -> None:
    done = own.try_compose("up", "--detach", "order-exporter")
    assert done.returncode != 0
    assert "davtari.toml does not exist; `davtari init` creates one" in own.logs("rights")


def test_with_the_file_that_init_writes_and_its_secrets_services_get_ready(own: Project) -> None:
    given_by_a_user(own)
    own.compose("up", "--detach", "--wait", "order-exporter", "alerts")
    state = own.state("order-exporter")
    assert (state.health, own.state("alerts").health) == ("healthy", "healthy")
    look = "ls -l /etc/davtari/own/secrets; touch /etc/davtari/own/x 2>&1; ls /var/lib/davtari/own"
    seen = docker("exec", state.id, "sh", "-c", look)
    assert "-rw-------" in seen, "secrets can be read by others"
    assert "balance-password" in seen
    assert "main-key" not in seen, "a secret that the service does not need"
    assert "Read-only file system" in seen
    assert "order-exporter" in seen, "the state is not in the volume"


def given_by_a_user(project: Project) -> None:
    """The files as a careful user keeps them: secrets that only their owner may read."""
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    (project.config / "davtari.toml").write_text(template + ALERTS, encoding="utf-8")
    (project.config / "secrets").mkdir(mode=0o700)
    for name, secret in SECRETS.items():
        (project.config / "secrets" / name).write_text(secret, encoding="utf-8")
        (project.config / "secrets" / name).chmod(0o600)
