"""Plans: counts, differences, files, progress."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from contracts.catalog import ProductUnlinked
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.cli.plans.apply import PlanProgress
from services.cli.plans.plan import PLAN_HEADINGS, Plan, build_plan, split_changes, write_plan_csv, write_plan_html
from tests.cli.plan_events import linked, planned, skipped, wrap_events
from tests.support.memory_state import NOON


def plan_of(*events: Event) -> Plan:
    return build_plan("main", wrap_events(*events))


@pytest.mark.claim("S1.10")
def test_a_plan_has_four_counts_and_the_reasons() -> None:
    found = plan_of(
        planned("a"),
        planned("b", action="adopt", product_id=5),
        linked("c", "old", -1, price="9.00"),
        planned("c", "new", action="update", product_id=7),
        skipped("d", Reason.PRODUCT_NO_SKU),
        skipped("e", Reason.PRODUCT_NO_SKU),
        skipped("f", Reason.PRODUCT_GROUP_NOT_MAPPED),
        planned("x", shop="outlet"),
    )
    assert found.counts == {"create": 1, "adopt": 1, "update": 1, "skip": 3}
    assert found.reasons == [("product.no-sku", 2), ("product.group-not-mapped", 1)]
    assert found.changes[2].differences == (("regular_price", "9.00", "14.75"),)


def test_changes_written_since_are_not_pending() -> None:
    assert plan_of(planned("a"), linked("a", "d1", 1)).changes == ()
    assert plan_of(planned("a"), linked("a", "other", 1)).changes == ()
    gone = ProductUnlinked(shop="main", item="a", product_id=7, reason="gone", unlinked_at=NOON)
    assert len(plan_of(planned("a"), linked("a", "d1", 1), gone).changes) == 1


@pytest.mark.claim("I3")
def test_the_id_depends_on_exactly_the_changes() -> None:
    one = plan_of(planned("a"), planned("b"))
    assert one.id == plan_of(planned("b"), planned("a")).id
    assert one.id != plan_of(planned("a"), planned("b", "d2")).id != plan_of(planned("a")).id


def test_a_large_plan_is_split() -> None:
    pieces = list(split_changes(plan_of(*[planned(f"i{n:04}") for n in range(1201)]).changes))
    assert [len(piece) for piece in pieces] == [500, 500, 201]


@pytest.mark.claim("S1.10", "I3")
def test_a_plan_is_written_to_files(tmp_path: Path) -> None:
    found = plan_of(planned("ჩაი<1>"), skipped("d", Reason.PRODUCT_NO_SKU))
    write_plan_csv(found, tmp_path / "plan.csv")
    write_plan_html(found, tmp_path / "plan.html")
    with (tmp_path / "plan.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == PLAN_HEADINGS
    assert {row["field"]: row["after"] for row in rows if row["action"] == "create"}["regular_price"] == "14.75"
    assert [row["detail"] for row in rows if row["action"] == "skip"] == ["'=cmd|' /C calc'!A0"]
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "ჩაი&lt;1&gt;" in page and "<1>" not in page


def dead_letter(key: str) -> DeadLettered:
    known = {"dead_letter": "l", "service": "catalog-importer", "about": "a", "detail": "no", "at": NOON}
    return DeadLettered.model_validate(
        known
        | {
            "digest": "x",
            "reason": "shop.echo-differs",
            "original_key": key,
            "original_topic": "catalog.links",
            "attempts": (),
        }
    )


def test_progress_records_the_result_of_each_change() -> None:
    progress = PlanProgress("main", {"a": "d1", "b": "d1", "c": "d1"})
    assert not progress.apply_event(linked("a", "another", 1))
    assert not progress.apply_event(linked("elsewhere", "d1", 1))
    assert progress.apply_event(linked("a", "d1", 1))
    assert progress.apply_event(skipped("b", Reason.PRODUCT_IN_TRASH))
    assert progress.apply_event(dead_letter("main:c"))
    assert (progress.written, sorted(progress.left_out), progress.open) == (["a"], ["b", "c"], 0)
    assert not progress.apply_event(linked("a", "d1", 2)), "once each"
