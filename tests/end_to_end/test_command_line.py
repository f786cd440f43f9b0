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
from tests.end_to_end import journal
from tests.end_to_end.programs import Said
from tests.end_to_end.stage import ALL, Stage, stage

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("command-line"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
SECRETS = ("cs_sandbox", "ck_sandbox", WEBHOOK_SECRET)
DONE, FAILED, WRONG_SETTINGS, NO_ANSWER = 0, 1, 2, 3


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("command-line"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
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


async def test_check_finds_everything_in_order(stage: Stage) -> None:
    plain, data = await asyncio.gather(stage.davtari("check"), stage.davtari("check", "--json"))
    assert (plain.code, data.code) == (DONE, DONE), plain.out + plain.err
    assert "0 problems" in plain.out
    assert all(finding["ok"] is not False for system in data.json["systems"] for finding in system["findings"])
    assert data.json["cannot_go_live"] == {}
    _no_secret(plain, data)


async def test_topics_are_created_once(stage: Stage) -> None:
    _other_settings(stage, "second.toml", f'"{stage.world.prefix}"', f'"second-{stage.world.prefix}"')
    first = await stage.davtari("topics", "create", settings="second.toml")
    again = await stage.davtari("topics", "create", settings="second.toml")
    assert (first.code, again.code) == (DONE, DONE), first.err
    assert f"{len(TOPICS)} topics created" in first.out
    assert "0 topics created; all existed already" in again.out


def _other_settings(stage: Stage, name: str, old: str, new: str) -> None:
    text = stage.world.settings_file.read_text(encoding="utf-8")
    assert old in text
    (stage.world.folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.claim("S0.21", "S0.22")
async def test_an_import_only_looks_in_a_dry_run(stage: Stage) -> None:
    # given another price in Balance
    await stage.comes_to_rest()
    link = next(link for link in stage.ledger.links.values() if link.sku.startswith("EXTRA"))
    await stage.change("prices", item=link.item, price="123.45")
    before = await journal.writes(stage.world.shop)
    # when a dry run looks at it
    looked = await stage.davtari("import", "prices", "--dry-run", "--json")
    # then it counts it and nothing is stated
    assert looked.code == DONE, looked.err
    assert looked.json["figures"] | {"seen": 0, "unchanged": 0} == _figures(changed=1)
    assert await journal.writes(stage.world.shop) == before
    # and the import itself brings it into the shop
    done = await stage.davtari("import", "prices")
    assert (done.code, "1 changed" in done.out) == (DONE, True)
    await stage.until(lambda: _written_price(stage, link.key) == Decimal("123.45"), "the price is written")


def _written_price(stage: Stage, key: str) -> Decimal | None:
    written = stage.ledger.links[key].written
    return written.regular_price if written else None


def _figures(**counts: int) -> dict[str, int]:
    return {"seen": 0, "unchanged": 0, "changed": 0, "missing": 0, "faults": 0} | counts


@pytest.mark.claim("S0.23", "S3.33")
async def test_an_order_is_pushed(stage: Stage, on_hold: list[int]) -> None:
    # given two orders that no trigger takes
    planned, pushed, _ = on_hold
    await stage.place(planned, pushed)
    # when one is pushed in a dry run
    plan = await stage.davtari("push", "order", "main", str(planned), "--dry-run", "--json")
    again = await stage.davtari("push", "order", "main", str(planned), "--dry-run")
    # then its Sale is shown and not written
    assert (plan.code, again.code) == (DONE, DONE), plan.err + again.err
    assert (plan.json["order_id"], "Items" in plan.json["sent"]) == (planned, True)
    assert "dry run: would write sale" in again.out
    assert f"main:{planned}" not in stage.ledger.sales
    # and when the other one is pushed, it is in the books
    sale = await stage.davtari("push", "order", "main", str(pushed), "--json")
    assert sale.code == DONE, sale.err
    assert (sale.json["how"], sale.json["differences"]) == ("written", [])
    stage.pushed.add(pushed)
    # and pushing it again changes nothing
    puts = await journal.writes(stage.world.balance)
    same = await stage.davtari("push", "order", "main", str(pushed), "--json")
    assert (same.code, same.json) == (DONE, sale.json)
    assert await journal.writes(stage.world.balance) == puts
    await stage.closes()


@pytest.mark.claim("S0.24")
async def test_a_refund_is_pushed(stage: Stage) -> None:
    order_id, refund_ids = stage.supply.refunded()
    await stage.place(order_id)
    await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, "the Sale")
    await stage.refund(order_id, *refund_ids)
    said = await stage.davtari("push", "refund", "main", str(order_id), str(refund_ids[0]), "--json")
    assert (said.code, said.json["refund_id"]) == (DONE, refund_ids[0]), said.err
    await stage.closes()
    without = await stage.davtari("push", "refund", "main", str(order_id))
    assert (without.code, "Add the refund's id" in without.err) == (WRONG_SETTINGS, True)


@pytest.mark.long
async def test_what_cannot_be_pushed_is_said(stage: Stage, on_hold: list[int]) -> None:
    # given an order that is given up, and one that the settings' shops do not have
    given_up = on_hold[2]
    await stage.place(given_up)
    (await stage.world.shop.put(f"/wp-json/wc/v3/orders/{given_up}", json={"status": "cancelled"})).raise_for_status()
    key = f"main:{given_up}"
    await stage.until(lambda: key in stage.ledger.orders and stage.ledger.orders[key].status == "cancelled", "read")
    cancelled, elsewhere, unknown = await asyncio.gather(
        stage.davtari("push", "order", "main", str(given_up)),
        stage.davtari("push", "order", "1", "--shop", "elsewhere"),
        stage.davtari("push", "order", "main", "999999", "--patience", "1"),
    )
    assert (cancelled.code, "cancelled in the shop" in cancelled.out) == (FAILED, True), cancelled.err
    assert (elsewhere.code, "Unknown shop 'elsewhere'" in elsewhere.err) == (WRONG_SETTINGS, True)
    assert (unknown.code, "davtari order 999999 --shop main" in unknown.err) == (NO_ANSWER, True)


@pytest.mark.claim("I4")
async def test_an_order_is_shown_whole(stage: Stage) -> None:
    await stage.until(lambda: stage.ledger.notes, "the credit note of the refund that was pushed")
    order_id = next(iter(stage.ledger.notes.values())).order_id
    plain, data, unknown = await asyncio.gather(
        stage.davtari("order", "main", str(order_id)),
        stage.davtari("order", "main", str(order_id), "--json"),
        stage.davtari("order", "main", "999998"),
    )
    assert (plain.code, data.code, unknown.code) == (DONE, DONE, FAILED)
    for told in (f"Order {order_id} · main", "order read", "Sale", "refund", "credit note", "equal · nothing waits"):
        assert told in plain.out, plain.out
    assert {"order read", "Sale", "refund", "credit note"} <= _beginnings(data)
    assert "davtari push order 999998 --shop main" in unknown.err


def _beginnings(said: Said) -> set[str]:
    known = ("order read", "Sale", "refund", "credit note")
    return {word for entry in said.json["entries"] for word in known if entry["what"].startswith(word)}


@pytest.mark.long
async def test_links_drift_and_helpers_are_looked_at_without_a_change(stage: Stage) -> None:
    await stage.closes()
    looked = [
        ("links", "export", "links.csv"),
        ("links", "rebuild", "--json"),
        ("helpers", "main", "--json"),
        ("opening-stock", "main", "stock.csv"),
        ("shop", "show", "main", "--json"),
        ("drift", "--json"),
    ]
    export, rebuilt, helpers, opening, shop, drift = await asyncio.gather(*[stage.davtari(*one) for one in looked])
    assert f"{len(stage.ledger.links)} links" in export.out, export.err
    assert (rebuilt.code, rebuilt.json["links"], rebuilt.json["refused"]) == (DONE, [], []), rebuilt.err
    assert {one["state"] for one in helpers.json["helpers"]} <= {"there", "not set"}, helpers.err
    assert (opening.code, (stage.world.folder / "stock.csv").exists()) == (DONE, True), opening.err
    assert shop.json["known"]["how"] == "first-contact"
    assert (drift.code, drift.json) == (DONE, []), drift.out + drift.err
    # and: what was exported is taken back without a change
    taken = await stage.davtari("links", "import", "links.csv", "--yes", "--json")
    assert (taken.code, taken.json["linked_already"]) == (DONE, len(stage.ledger.links)), taken.out + taken.err
    _no_secret(export, rebuilt, helpers, opening, shop, drift, taken)


@pytest.mark.long
@pytest.mark.claim("S1.18", "K18")
async def test_dead_letters_are_listed_shown_replayed_and_discarded(stage: Stage) -> None:
    # given two orders of a closed month
    await stage.change("lock-date", date="2099-01-01")
    kept, dropped = stage.supply.orders(2)
    await stage.place(kept, dropped)
    await stage.until(lambda: len(stage.ledger.open_dead_letters) == 2, "two dead letters")
    await stage.change("lock-date", date=None)
    of_order = {letter.original_key: letter.dead_letter for letter in stage.ledger.open_dead_letters.values()}
    first, second = of_order[f"main:{kept}"], of_order[f"main:{dropped}"]
    # when they are listed and one is shown
    plain, data, shown, wrong = await asyncio.gather(
        stage.davtari("dead-letters", "list"),
        stage.davtari("dead-letters", "list", "--json"),
        stage.davtari("dead-letters", "show", first[:8]),
        stage.davtari("dead-letters", "show", "no-such-letter"),
    )
    # then each says what it is about, what mends it, and in both languages
    assert (plain.code, data.code, shown.code, wrong.code) == (DONE, DONE, DONE, FAILED)
    assert {(one["dead_letter"], one["reason"]) for one in data.json} == {
        (first, Reason.BALANCE_PERIOD_CLOSED),
        (second, Reason.BALANCE_PERIOD_CLOSED),
    }
    assert first[:8] in plain.out
    assert "fix" in shown.out
    assert "პერიოდ" in shown.out
    # when one is replayed and the other given up
    replayed = await stage.davtari("dead-letters", "replay", first[:8])
    discarded = await stage.davtari("dead-letters", "discard", second[:8], "--why", "booked by hand", "--json")
    assert (replayed.code, discarded.code) == (DONE, DONE), f"{replayed}\n{discarded}"
    stage.given_up.add(dropped)
    # then the first is in the books, the second stays out, and what became of it is kept
    await stage.closes()
    every = await stage.davtari("dead-letters", "list", "--all", "--json")
    how = {one["dead_letter"]: (one["settled"]["how"], one["settled"]["why"]) for one in every.json}
    assert how == {first: ("replayed", ""), second: ("discarded", "booked by hand")}
    assert "Nothing needs a person" in (await stage.davtari("dead-letters", "list")).out


@pytest.mark.long
async def test_status_tells_how_everything_stands(stage: Stage) -> None:
    await stage.closes()
    plain, data = await asyncio.gather(stage.davtari("status"), stage.davtari("status", "--json"))
    assert (plain.code, data.code) == (DONE, DONE)
    assert {one["service"] for one in data.json["services"]} == set(ALL)
    assert all(one["generation"] and one["waiting"] == [] for one in data.json["services"])
    assert data.json["dead_letters_open"] == 0
    assert all(service in plain.out for service in ALL)


async def test_asked_to_end_it_finishes_what_is_under_way_and_loses_nothing(stage: Stage) -> None:
    # given orders on their way, one of them at this moment at Balance
    slow = {"kind": "latency", "match": "PUT .*/Sale$", "seconds": 1}
    async with journal.trouble(stage.world.balance, **slow):
        await stage.place(*stage.supply.orders(4))
        await stage.until(lambda: stage.ledger.orders, "orders were read")
        # when it is asked to end
        code = (await stage.programs.stop("up", patience=20))[0]
    # then it ends well in time
    assert code == DONE
    # and the rest comes into the books after its next start
    await stage.programs.start("up", services=len(ALL))
    await stage.closes()


@pytest.mark.long
async def test_a_second_receiver_on_the_same_port_says_what_to_do(stage: Stage) -> None:
    _other_settings(stage, "elsewhere.toml", '"directory" = "state"', '"directory" = "elsewhere"')
    said = await stage.davtari("run", "store-feed", settings="elsewhere.toml")
    assert said.code == WRONG_SETTINGS, said.err
    assert "receiver.port" in said.err
    unknown = await stage.davtari("run", "no-such-service")
    assert (unknown.code, "store-feed" in unknown.err) == (WRONG_SETTINGS, True)
    _no_secret(said, unknown)


def _no_secret(*said: Said) -> None:
    assert not [secret for one in said for secret in SECRETS if secret in one.out + one.err]
