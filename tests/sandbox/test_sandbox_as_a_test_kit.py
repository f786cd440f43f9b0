"""The sandboxes as anybody may use them: by the command, over HTTP, as their README says."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import services.sandbox

pytestmark = [
    pytest.mark.claim("I8"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here: the README's commands need it"),
]
README = Path(services.sandbox.__file__).with_name("README.md")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("curl")
]


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on now."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Both sandboxes, as `davtari sandbox both` runs them; gives the environment of the README's commands."""
    (shop, balance), trust = free_ports(), tmp_path_factory.mktemp("kit") / "ca.pem"
    wanted = ["--shop-port", str(shop), "--balance-port", str(balance), "--ca-file", str(trust)]
    command = [str(Path(sys.executable).with_name("davtari")), "sandbox", "both", *wanted]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        output = [running.stdout.readline() for _ in range(3)]
        assert f"https://127.0.0.1:{shop}" in output[0], output
        assert f"http://127.0.0.1:{balance}" in output[1], output
        copy = output[2].split()[4].rstrip(",")
        yield {
            "CLONE": copy,
            "SHOP": f"https://127.0.0.1:{shop}",
            "BALANCE": f"http://127.0.0.1:{balance}",
            "CA": str(trust),
        }
        running.terminate()
        assert running.wait(10) == 0


def run(command: str, kit: dict[str, str]) -> str:
    """A command of the README, as a person types it; it must succeed."""
    done = subprocess.run(
        ["bash", "-c", command], env=os.environ | kit, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def ended(kit: dict[str, str]) -> None:
    """No fault is in force."""
    run("curl -sSf -X DELETE $BALANCE/_sandbox/faults; curl -sSf --cacert $CA -X DELETE $SHOP/_sandbox/faults", kit)


def test_every_command_of_the_readme_works(kit: dict[str, str]) -> None:
    assert len(COMMANDS) >= 19
    for command in COMMANDS:
        run(command, kit)
        if "-H 'Content-Type" in command:
            ended(kit)
    ended(kit)


def test_an_order_that_is_placed_is_read_over_the_real_api(kit: dict[str, str]) -> None:
    recorded = json.loads(run("curl -sSf --cacert $CA $SHOP/_sandbox/recorded", kit))[1]["id"]
    placed = json.loads(run(f"curl -sSf --cacert $CA $SHOP/_sandbox/orders -d '{{\"recorded\": {recorded}}}'", kit))
    asked = f'curl -sSf --cacert $CA -u ck_sandbox:cs_sandbox "$SHOP/wp-json/wc/v3/orders/{placed["id"]}"'
    assert json.loads(run(asked, kit))["total"] == placed["total"]


def test_too_many_requests_are_rejected_as_often_as_requested(kit: dict[str, str]) -> None:
    fault = '{"kind": "status", "match": "GET .*/orders", "status": 429, "times": 2}'
    run(f"curl -sSf --cacert $CA $SHOP/_sandbox/faults -d '{fault}'", kit)
    asked = "curl -s -o /dev/null -w '%{http_code}' --cacert $CA -u ck_sandbox:cs_sandbox $SHOP/wp-json/wc/v3/orders"
    assert [run(asked, kit) for _ in range(3)] == ["429", "429", "200"]


def test_an_outage_lasts_until_it_is_cleared(kit: dict[str, str]) -> None:
    asked = (
        "curl -s -o /dev/null -w '%{http_code}' -u integration:sandbox "
        "$BALANCE/sm/o/Balance/1234/hs/Exchange/Warehouses"
    )
    run('curl -sSf $BALANCE/_sandbox/faults -d \'{"kind": "outage"}\'', kit)
    assert [run(asked, kit) for _ in range(3)] == ["503"] * 3
    ended(kit)
    assert run(asked, kit) == "200"


def test_a_batch_fails_in_part(kit: dict[str, str]) -> None:
    items = '{"create": [{"name": "A", "sku": "SAME"}, {"name": "B", "sku": "SAME"}]}'
    asked = (
        "curl -sSf --cacert $CA -u ck_sandbox:cs_sandbox -H 'Content-Type: application/json' "
        f"$SHOP/wp-json/wc/v3/products/batch -d '{items}'"
    )
    done, refused = json.loads(run(asked, kit))["create"]
    assert done["sku"] == "SAME"
    assert refused["error"]["code"] == "product_invalid_sku"


def test_a_copy_of_the_shop_goes_its_own_way(kit: dict[str, str]) -> None:
    """Given a shop with an order and a webhook; its copy has both, and what it sells then is its own."""
    hook = '{"topic": "order.created", "delivery_url": "http://127.0.0.1:1/hook", "secret": "s"}'
    signed_in = "curl -sSf --cacert $CA -u ck_sandbox:cs_sandbox -H 'Content-Type: application/json'"
    run(f"{signed_in} $SHOP/wp-json/wc/v3/webhooks -d '{hook}'", kit)
    before = json.loads(run("curl -sSf --cacert $CA $SHOP/_sandbox/state", kit))["counts"]
    assert json.loads(run("curl -sSf -X POST $CLONE/_sandbox/clone", kit)) == before
    assert before["webhooks"] == 1
    recorded = json.loads(run("curl -sSf $CLONE/_sandbox/recorded", kit))[5]["id"]
    run(f"curl -sSf $CLONE/_sandbox/orders -d '{{\"recorded\": {recorded}}}'", kit)
    assert json.loads(run("curl -sSf $CLONE/_sandbox/state", kit))["counts"]["orders"] == before["orders"] + 1
    assert json.loads(run("curl -sSf --cacert $CA $SHOP/_sandbox/state", kit))["counts"] == before
