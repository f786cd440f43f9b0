"""Which dead letters a replay or discard selects, when the shop is asked, and the results of a discard."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.operations import CommandSettled, DeadLettered, DiscardRequested
from contracts.reasons import Reason
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters import replay, selection, view
from services.cli.dead_letters.channel import replay_exit_code
from services.cli.dead_letters.replay import discard_all, plan_routes
from services.cli.dead_letters.selection import DeadLetterFilter
from tests.cli.dead_letter_events import NOW, dead_letters, failed_delivery, failed_record, settled
from tests.outbox.dead_letter_samples import dead_letter_of_record
from tests.support.exporting import settings

pytestmark = pytest.mark.claim("S1.18")
SALE, OTHER = failed_delivery(1), failed_delivery(2, Reason.SALE_ITEM_NOT_LINKED, order=1001)
READ_BY = [
    failed_record(9).model_copy(update={"dead_letter": f"0000000{n}-dead-letter", "service": f"s{n}"})
    for n in (3, 4, 5)
]
DONE = failed_delivery(6)
EVERY = dead_letters(SALE, OTHER, *READ_BY, DONE, settled(DONE))


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead-letters topic contains these."""

    async def every(_: object) -> dict[str, DeadLetter]:
        return {one.event.dead_letter: one for one in EVERY}

    async def find(_: object, wanted: DeadLetterFilter) -> list[DeadLetter]:
        return wanted.select(EVERY)

    monkeypatch.setattr(selection, "read_dead_letters", every)
    monkeypatch.setattr(selection, "find_dead_letters", find)


async def ids(*named: str, every: bool = False, **wanted: Any) -> list[int]:
    found = await selection.select_dead_letters(settings(), "discard", named, DeadLetterFilter(**wanted), every=every)
    return [int(one.id) for one in found]


async def test_dead_letters_are_selected_by_id_by_filter_or_all_open_ones() -> None:
    assert await ids("00000001", "00000002", "00000001") == [1, 2]
    assert await ids(reasons=(Reason.SALE_ITEM_NOT_LINKED,)) == [2]
    assert await ids(order=998) == [1]
    assert await ids(every=True) == [1, 2, 3, 4, 5]
    assert await ids("00000006") == [6]


async def test_one_dead_letter_of_a_record_selects_those_of_all_services() -> None:
    assert await ids("00000004") == [4, 3, 5]
    assert await ids("00000004", "00000003") == [4, 3, 5]


@pytest.mark.parametrize(
    ("named", "more", "message"),
    [((), {}, "discard ID, or --reason-code"), (("00000001",), {"every": True}, "not both")],
)
async def test_an_empty_or_ambiguous_selection_is_refused(
    named: tuple[str, ...], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        await ids(*named, **more)


def test_the_preview_of_a_discard_lists_what_would_be_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert view.print_discard_preview(EVERY, json=True) == 0
    listed = json.loads(capsys.readouterr().out)["dead_letters"]
    assert [(one["dead_letter"][:8], one["open"]) for one in listed][-1] == ("00000006", False)
    assert view.print_discard_preview(EVERY, json=False) == 0
    assert "5 would be discarded, 1 already closed. Nothing was sent." in capsys.readouterr().out


class ChannelDouble:
    """Records the commands; the services answer as the test states."""

    def __init__(self, outcome: str | None = "done", detail: str = "discarded", *, closed: bool = False) -> None:
        self.sent: list[DiscardRequested] = []
        self._outcome, self._detail, self._closed = outcome, detail, closed

    async def send(self, command: DiscardRequested) -> str:
        self.sent.append(command)
        return command.command_id

    def events_after(self, correlation: str, _: str) -> list[CommandSettled]:
        if self._outcome is None:
            return []
        answer = {"command_id": correlation, "service": "order-exporter", "detail": self._detail, "settled_at": NOW}
        return [CommandSettled.model_validate(answer | {"outcome": self._outcome, "already_closed": self._closed})]

    async def wait_for(self, find: Callable[[], Any], _: float) -> Any:
        return find()


@pytest.mark.parametrize(
    ("channel", "kind", "code"),
    [
        (ChannelDouble(), "done", 0),
        (ChannelDouble("refused", "dead letter 1 was already replayed", closed=True), "nothing to do", 0),
        (ChannelDouble("refused", "no"), "refused", 1),
        (ChannelDouble(None), "no answer", 3),
    ],
)
async def test_the_result_of_each_discarded_dead_letter(channel: Any, kind: str, code: int) -> None:
    results = await discard_all(channel, EVERY, "booked by hand", 1.0)
    assert [one.kind for one in results if int(one.dead_letter.id) == 6] == ["nothing to do"]
    assert {one.kind for one in results if int(one.dead_letter.id) != 6} == {kind}
    assert replay_exit_code(results) == code
    assert [(one.dead_letter[:8], one.why) for one in channel.sent] == [
        (f"0000000{n}", "booked by hand") for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        (SALE, [998]),
        (dead_letter_of_record("order-exporter", "shop.orders", "main:998"), []),
        (failed_delivery(7, service="store-feed"), []),
        (failed_record(8), []),
    ],
    ids=["a Sale", "a record of an order", "an order that could not be read", "a record of Balance"],
)
async def test_an_order_is_looked_up_in_the_shop_only_if_the_replay_may_write(
    event: DeadLettered, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    async def look(_: object, __: str, order: int) -> str:
        looked.append(order)
        return "order 998 does not exist"

    class Shop:
        async def __aenter__(self) -> Shop:
            return self

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(replay, "_find_deletion", look)
    monkeypatch.setattr(replay, "open_shop", lambda *_: Shop())
    [route] = await replay.hold_back_deleted_orders(plan_routes(dead_letters(event), 3, in_bulk=False), settings())
    assert (looked, bool(route.held_back)) == (asked, bool(asked))
