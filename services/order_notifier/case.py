"""One order with all that bears on what goes back to it: which notes it should have, and which status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from contracts.delivery_ids import order_key
from contracts.notices import OwnState
from services.engine.clock import local_date
from services.engine.state.records import State
from services.order_notifier.note import document_marker, document_text, waiting_marker, waiting_text
from services.order_notifier.projection import DOCUMENT, ORDER, WAITING, Document, KnownOrder, Waiting
from services.order_notifier.status import own_state, step
from services.order_notifier.tasks import NoteTask, StatusTask
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class Case:
    """An order that the shop holds, its documents, oldest first, and what of it waits for a person."""

    known: KnownOrder
    shop: ShopSettings
    documents: tuple[Document, ...]
    waiting: tuple[Waiting, ...]

    def notes(self) -> Iterator[NoteTask]:
        """Every note that the order should have, in the order of what they tell."""
        rules = self.shop.notes
        for document in self._told():
            if is_since(document.at, rules.since) and rules.audience(document.about) != "off":
                yield self._note(document)
        for one in self.waiting:
            if is_since(one.at, rules.since) and rules.parked != "off":
                yield self._note_on_waiting(one)

    def _told(self) -> Iterator[Document]:
        """A plan is told of in a dry run only, and only while there is no Sale."""
        dry = self.shop.flows.orders == "dry-run" and all(one.about != "sale" for one in self.documents)
        return (one for one in self.documents if one.about != "plan" or dry)

    def _note(self, document: Document) -> NoteTask:
        return NoteTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            marker=document_marker(order_key(self.known.shop, self.known.order_id), document),
            about=document.about,
            document=document.uid,
            customer=self.shop.notes.audience(document.about) == "customer",
            says=document_text(self.known, document, self.shop.notes),
        )

    def _note_on_waiting(self, waiting: Waiting) -> NoteTask:
        return NoteTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            marker=waiting_marker(waiting),
            about="parked",
            reason=waiting.reason,
            customer=False,
            says=waiting_text(self.known, waiting, self.shop.notes),
        )

    def status(self) -> StatusTask | None:
        """The status that follows from the books; None where the list names none for the one that the order has."""
        state = self.booked
        wanted = step(state, self.known.status, self.shop.statuses) if state else None
        if state is None or wanted is None:
            return None
        return StatusTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            booked=state,
            was=self.known.status,
            status=wanted,
            order_version=self.known.version,
            base=self.known.base,
        )

    @property
    def booked(self) -> OwnState | None:
        """What has become of the order in the books, if the document that made it so is of the days that count."""
        state = own_state(self.documents)
        about = "credit-note" if state == "credited" else "sale"
        last = max((one.at for one in self.documents if one.about == about), default=None)
        return state if last is not None and is_since(last, self.shop.statuses.since) else None


def case_of(order: str, shop: ShopSettings, state: State) -> Case | None:
    """What is known about an order (`shop:order`); None for one that was not read yet, or is gone."""
    known = state.get(ORDER, order)
    if known is None or known.removed:
        return None
    documents = sorted(state.find(DOCUMENT, order).values(), key=lambda one: (one.at, one.uid, one.refund_id or 0))
    waiting = sorted(state.find(WAITING, order).values(), key=lambda one: (one.at, one.about))
    return Case(known, shop, tuple(documents), tuple(waiting))


def is_since(moment: datetime, since: date | None) -> bool:
    """Whether a moment is of the days that count: from `since` on, in Tbilisi."""
    return since is not None and local_date(moment) >= since.isoformat()
