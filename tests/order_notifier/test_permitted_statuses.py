"""Whatever statuses a shop's plugins invent, and whatever the list says: only what it names is ever written."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import settings as trying
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.model import Event
from contracts.order_statuses import CORE_STATUSES
from services.order_notifier.handlers import handlers
from services.order_notifier.tasks import StatusTask
from services.settings.notices import RANK
from tests.order_notifier.notifier_bench import MOVES, credit, sale, settings
from tests.support import exporting
from tests.support.memory_state import Consumer

WORDS = st.one_of(
    st.sampled_from(sorted(CORE_STATUSES)),
    st.sampled_from(["packed", "sent", "awaiting-shipment", "გაგზავნილი", "wc-sent", ""]),
    st.text(max_size=12),
)
NAMES = st.one_of(
    st.sampled_from(["pending", "on-hold", "processing", "completed"]), st.from_regex("[a-z]{1,8}", fullmatch=True)
)
STEPS = st.dictionaries(st.one_of(NAMES, WORDS), NAMES, max_size=2)


@pytest.mark.claim("K14", "S2.12")
@trying(max_examples=150, deadline=None)
@given(posted=STEPS, credited=STEPS, status=st.one_of(NAMES, WORDS), returned=st.sampled_from([None, "15.00", "60.00"]))
def test_only_a_step_of_the_list_is_written_and_it_leads_forwards(
    posted: dict[str, str], credited: dict[str, str], status: str, returned: str | None
) -> None:
    try:
        using = settings(statuses=MOVES | {"posted": posted, "credited": credited})
    except ValidationError:
        reject()
    order = exporting.order(exporting.line(1, "60.00"), status=status)
    books: list[Event] = [sale(exporting.ORDER), *([credit(exporting.ORDER, returned)] if returned else [])]
    decision = Consumer(handlers(using)).take(order, *books)[exporting.KEY]
    allowed = credited if returned == "60.00" else posted
    wanted = [StatusTask.model_validate(one.payload) for one in decision.deliveries]
    assert [(one.was, one.status) for one in wanted] == ([(status, allowed[status])] if status in allowed else [])
    assert all(RANK.get(one.was, -1) < RANK.get(one.status, 9) for one in wanted)
    assert all(one.status not in {"refunded", "failed", "pending", "trash"} for one in wanted)
    known = CORE_STATUSES | {*posted, *posted.values(), *credited, *credited.values()}
    known |= {name for names in using.shops["main"].orders.trigger.values() for name in names}
    assert bool(decision.refuse) == (status not in known)
