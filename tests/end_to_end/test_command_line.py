"""The `davtari` command as a person or a script uses it, against running services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from contracts.reasons import Reason
from contracts.topics import TOPICS
from services.demo.environment import WEBHOOK_SECRET
from services.demo.kafka import Broker
from services.sandbox.recorded import get_recording, list_order_ids
from tests.end_to_end import sandbox_requests
from tests.end_to_end.programs import CommandResult
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("command-line"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
SECRETS = ("cs_sandbox", "ck_sandbox", WEBHOOK_SECRET)
DONE, FAILED, WRONG_SETTINGS, NO_ANSWER = 0, 1, 2, 3


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("command-line"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def on_hold() -> list[int]:
    """Recorded orders that wait for a bank transfer: no trigger takes them."""
    plain = [i for i in list_order_ids() if get_recording(i).order["status"] == "on-hold" and _is_plain(i)]
    return plain[:3]


def _is_plain(order_id: int) -> bool:
    record = get_recording(order_id)
    named = all(line["product_id"] and line["sku"] for line in record.order["line_items"])
    return (
        named and record.order["currency"] == "GEL" and record.order["payment_method"] != "cod" and not record.refunds
    )


async def test_check_passes_on_a_working_system(system: SystemUnderTest) -> None:
    plain, data = await asyncio.gather(system.run_davtari("check"), system.run_davtari("check", "--json"))
    assert (plain.code, data.code) == (DONE, DONE), plain.out + plain.err
    assert "0 problems" in plain.out
    assert all(finding["ok"] is not False for system in data.json["systems"] for finding in system["findings"])
    assert data.json["cannot_go_live"] == {}
    _no_secret(plain, data)


async def test_topics_are_created_once(system: SystemUnderTest) -> None:
    _other_settings(system, "second.toml", f'"{system.world.prefix}"', f'"second-{system.world.prefix}"')
    first = await system.run_davtari("topics", "create", settings="second.toml")
    again = await system.run_davtari("topics", "create", settings="second.toml")
    assert (first.code, again.code) == (DONE, DONE), first.err
    assert f"{len(TOPICS)} topics created" in first.out
    assert "0 topics created; all existed already" in again.out


def _other_settings(system: SystemUnderTest, name: str, old: str, new: str) -> None:
    text = system.world.settings_file.read_text(encoding="utf-8")
    assert old in text
    (system.world.folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.claim("S0.21", "S0.22")
async def test_an_import_in_dry_run_changes_nothing(system: SystemUnderTest) -> None:
    # given another price in Balance
    await system.wait_until_idle()
    link = next(link for link in system.ledger.links.values() if link.sku.startswith("EXTRA"))
    await system.change("prices", item=link.item, price="123.45")
    before = await sandbox_requests.count_writes(system.world.shop)
    # when a dry run looks at it
    dry_run = await system.run_davtari("import", "prices", "--dry-run", "--json")
    # then it counts it and nothing is stated
    assert dry_run.code == DONE, dry_run.err
    assert dry_run.json["figures"] | {"seen": 0, "unchanged": 0} == _figures(changed=1)
    assert await sandbox_requests.count_writes(system.world.shop) == before
    # and the import itself brings it into the shop
    done = await system.run_davtari("import", "prices")
    assert (done.code, "1 changed" in done.out) == (DONE, True)
    await system.wait_until(lambda: _written_price(system, link.key) == Decimal("123.45"), "the price is written")


def _written_price(system: SystemUnderTest, key: str) -> Decimal | None:
    written = system.ledger.links[key].written
    return written.regular_price if written else None


def _figures(**counts: int) -> dict[str, int]:
    return {"seen": 0, "unchanged": 0, "changed": 0, "missing": 0, "faults": 0} | counts


@pytest.mark.claim("S0.23", "S3.33")
async def test_an_order_is_pushed(system: SystemUnderTest, on_hold: list[int]) -> None:
    # given two orders that no trigger takes
    planned, pushed, _ = on_hold
    await system.place(planned, pushed)
    # when one is pushed in a dry run
    plan = await system.run_davtari("push", "order", "main", str(planned), "--dry-run", "--json")
    again = await system.run_davtari("push", "order", "main", str(planned), "--dry-run")
    # then its Sale is shown and not written
    assert (plan.code, again.code) == (DONE, DONE), plan.err + again.err
    assert (plan.json["order_id"], "Items" in plan.json["sent"]) == (planned, True)
    assert "dry run: would write sale" in again.out
    assert f"main:{planned}" not in system.ledger.sales
    # and when the other one is pushed, it is in the books
    sale = await system.run_davtari("push", "order", "main", str(pushed), "--json")
    assert sale.code == DONE, sale.err
    assert (sale.json["how"], sale.json["differences"]) == ("written", [])
    system.pushed.add(pushed)
    # and pushing it again changes nothing
    puts = await sandbox_requests.count_writes(system.world.balance)
    same = await system.run_davtari("push", "order", "main", str(pushed), "--json")
    assert (same.code, same.json) == (DONE, sale.json)
    assert await sandbox_requests.count_writes(system.world.balance) == puts
    await system.wait_until_consistent()


@pytest.mark.claim("S0.24")
async def test_a_refund_is_pushed(system: SystemUnderTest) -> None:
    order_id, refund_ids = system.supply.refunded()
    await system.place(order_id)
    await system.wait_until(lambda: f"main:{order_id}" in system.ledger.sales, "the Sale")
    await system.refund(order_id, *refund_ids)
    result = await system.run_davtari("push", "refund", "main", str(order_id), str(refund_ids[0]), "--json")
    assert (result.code, result.json["refund_id"]) == (DONE, refund_ids[0]), result.err
    await system.wait_until_consistent()
    without = await system.run_davtari("push", "refund", "main", str(order_id))
    assert (without.code, "Add the refund's id" in without.err) == (WRONG_SETTINGS, True)


@pytest.mark.long
async def test_a_refused_push_states_why(system: SystemUnderTest, on_hold: list[int]) -> None:
    # given an order that is given up, and one that the settings' shops do not have
    given_up = on_hold[2]
    await system.place(given_up)
    (await system.world.shop.put(f"/wp-json/wc/v3/orders/{given_up}", json={"status": "cancelled"})).raise_for_status()
    key = f"main:{given_up}"
    await system.wait_until(
        lambda: key in system.ledger.orders and system.ledger.orders[key].status == "cancelled", "read"
    )
    cancelled, elsewhere, unknown = await asyncio.gather(
        system.run_davtari("push", "order", "main", str(given_up)),
        system.run_davtari("push", "order", "1", "--shop", "elsewhere"),
        system.run_davtari("push", "order", "main", "999999", "--patience", "1"),
    )
    assert (cancelled.code, "cancelled in the shop" in cancelled.out) == (FAILED, True), cancelled.err
    assert (elsewhere.code, "Unknown shop 'elsewhere'" in elsewhere.err) == (WRONG_SETTINGS, True)
    assert (unknown.code, "davtari order 999999 --shop main" in unknown.err) == (NO_ANSWER, True)


@pytest.mark.claim("I4")
async def test_an_order_is_shown_with_all_its_entries(system: SystemUnderTest) -> None:
    await system.wait_until(lambda: system.ledger.notes, "the credit note of the refund that was pushed")
    order_id = next(iter(system.ledger.notes.values())).order_id
    plain, data, unknown = await asyncio.gather(
        system.run_davtari("order", "main", str(order_id)),
        system.run_davtari("order", "main", str(order_id), "--json"),
        system.run_davtari("order", "main", "999998"),
    )
    assert (plain.code, data.code, unknown.code) == (DONE, DONE, FAILED)
    for text in (f"Order {order_id} · main", "order read", "Sale", "refund", "credit note", "equal · nothing waits"):
        assert text in plain.out, plain.out
    assert {"order read", "Sale", "refund", "credit note"} <= _beginnings(data)
    assert "davtari push order 999998 --shop main" in unknown.err


def _beginnings(result: CommandResult) -> set[str]:
    known = ("order read", "Sale", "refund", "credit note")
    return {word for entry in result.json["entries"] for word in known if entry["what"].startswith(word)}


@pytest.mark.long
async def test_reading_links_drift_and_helpers_changes_nothing(system: SystemUnderTest) -> None:
    await system.wait_until_consistent()
    commands = [
        ("links", "export", "links.csv"),
        ("links", "rebuild", "--json"),
        ("helpers", "main", "--json"),
        ("opening-stock", "main", "stock.csv"),
        ("shop", "show", "main", "--json"),
        ("drift", "--json"),
    ]
    export, rebuilt, helpers, opening, shop, drift = await asyncio.gather(
        *[system.run_davtari(*one) for one in commands]
    )
    assert f"{len(system.ledger.links)} links" in export.out, export.err
    assert (rebuilt.code, rebuilt.json["links"], rebuilt.json["refused"]) == (DONE, [], []), rebuilt.err
    assert {one["state"] for one in helpers.json["helpers"]} <= {"found", "not set"}, helpers.err
    assert (opening.code, (system.world.folder / "stock.csv").exists()) == (DONE, True), opening.err
    assert shop.json["known"]["how"] == "first-contact"
    assert (drift.code, drift.json) == (DONE, []), drift.out + drift.err
    # and: what was exported is taken back without a change
    taken = await system.run_davtari("links", "import", "links.csv", "--yes", "--json")
    assert (taken.code, taken.json["linked_already"]) == (DONE, len(system.ledger.links)), taken.out + taken.err
    _no_secret(export, rebuilt, helpers, opening, shop, drift, taken)


@pytest.mark.long
@pytest.mark.claim("S1.18", "K18")
async def test_dead_letters_are_listed_shown_replayed_and_discarded(system: SystemUnderTest) -> None:
    # given two orders of a closed month
    await system.change("lock-date", date="2099-01-01")
    kept, dropped = system.supply.orders(2)
    await system.place(kept, dropped)
    await system.wait_until(lambda: len(system.ledger.open_dead_letters) == 2, "two dead letters")
    await system.change("lock-date", date=None)
    of_order = {
        dead_letter.original_key: dead_letter.dead_letter for dead_letter in system.ledger.open_dead_letters.values()
    }
    first, second = of_order[f"main:{kept}"], of_order[f"main:{dropped}"]
    # when they are listed and one is shown
    plain, data, shown, wrong = await asyncio.gather(
        system.run_davtari("dead-letters", "list"),
        system.run_davtari("dead-letters", "list", "--json"),
        system.run_davtari("dead-letters", "show", first[:8]),
        system.run_davtari("dead-letters", "show", "no-such-id"),
    )
    # then each states its subject and its fix, in both languages
    assert (plain.code, data.code, shown.code, wrong.code) == (DONE, DONE, DONE, FAILED)
    assert {(one["dead_letter"], one["reason"]) for one in data.json} == {
        (first, Reason.BALANCE_PERIOD_CLOSED),
        (second, Reason.BALANCE_PERIOD_CLOSED),
    }
    assert first[:8] in plain.out
    assert "fix" in shown.out
    assert "პერიოდ" in shown.out
    # when one is replayed and the other given up
    replayed = await system.run_davtari("dead-letters", "replay", first[:8])
    discarded = await system.run_davtari("dead-letters", "discard", second[:8], "--why", "booked by hand", "--json")
    assert (replayed.code, discarded.code) == (DONE, DONE), f"{replayed}\n{discarded}"
    system.given_up.add(dropped)
    # then the first is in the books, the second stays out, and its result is kept
    await system.wait_until_consistent()
    every = await system.run_davtari("dead-letters", "list", "--all", "--json")
    how = {one["dead_letter"]: (one["settled"]["how"], one["settled"]["why"]) for one in every.json}
    assert how == {first: ("replayed", ""), second: ("discarded", "booked by hand")}
    assert "Nothing needs a person" in (await system.run_davtari("dead-letters", "list")).out


@pytest.mark.long
async def test_status_shows_every_service(system: SystemUnderTest) -> None:
    await system.wait_until_consistent()
    plain, data = await asyncio.gather(system.run_davtari("status"), system.run_davtari("status", "--json"))
    assert (plain.code, data.code) == (DONE, DONE)
    assert {one["service"] for one in data.json["services"]} == set(ALL_SERVICES)
    assert all(one["generation"] and one["waiting"] == [] for one in data.json["services"])
    assert data.json["dead_letters_open"] == 0
    assert all(service in plain.out for service in ALL_SERVICES)


async def test_a_stopped_service_finishes_its_requests_and_loses_nothing(system: SystemUnderTest) -> None:
    # given orders on their way, one of them at this moment at Balance
    slow = {"kind": "latency", "match": "PUT .*/Sale$", "seconds": 1}
    async with sandbox_requests.inject_fault(system.world.balance, **slow):
        await system.place(*system.supply.orders(4))
        await system.wait_until(lambda: system.ledger.orders, "orders were read")
        # when it is asked to end
        code = (await system.programs.stop("up", timeout=20))[0]
    # then it ends well in time
    assert code == DONE
    # and the rest comes into the books after its next start
    await system.programs.start("up", services=len(ALL_SERVICES))
    await system.wait_until_consistent()


@pytest.mark.long
async def test_a_second_receiver_on_the_same_port_names_the_setting(system: SystemUnderTest) -> None:
    _other_settings(system, "elsewhere.toml", '"directory" = "state"', '"directory" = "elsewhere"')
    result = await system.run_davtari("run", "store-feed", settings="elsewhere.toml")
    assert result.code == WRONG_SETTINGS, result.err
    assert "receiver.port" in result.err
    unknown = await system.run_davtari("run", "no-such-service")
    assert (unknown.code, "store-feed" in unknown.err) == (WRONG_SETTINGS, True)
    _no_secret(result, unknown)


def _no_secret(*results: CommandResult) -> None:
    assert not [secret for one in results for secret in SECRETS if secret in one.out + one.err]
