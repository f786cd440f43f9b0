"""Everything that decides what is written back to one order: which notes it should have, and which status.

Statuses follow an allow-list, and each state of the books changes the status once (claims S2.12, K14). Notes carry a
marker by which they are found again (claims S4.29, S4.30).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from contracts.json_text import digest_of
from contracts.notices import OwnState
from contracts.order_statuses import CORE_STATUSES
from contracts.reason_texts import find_text
from services.accounting.documents.figures import amount
from services.engine.clock import local_date
from services.engine.printable import escape_html
from services.engine.state.records import State
from services.order_notifier.projection import DOCUMENT, ORDER, WAITING, BookDocument, NoticeOrder, WaitingDocument
from services.order_notifier.tasks import NoteTask, StatusTask
from services.settings.notices import NoteSettings, StatusSettings, Text
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings
from services.settings.translation import translator

MARKER_LENGTH = 16
"""Hex digits of the digest in a note's marker."""


def _(text: str) -> str:
    """Mark a text that is translated where it is used."""
    return text


TEXTS: Mapping[Text, str] = {
    "sale": _("Balance: order {order} is recorded as Sale {document} of {date}, {total} {currency}."),
    "credit-note": _("Balance: order {order} has credit note {document} of {date}, {total} {currency}."),
    "plan": _("Davtari, dry run: order {order} would become a Sale of {date}, {total} {currency}."),
    "parked": _("Davtari: order {order} waits for a person before it can be recorded in Balance. {cause} ({reason})"),
    "waybill": _("Waybill {waybill}."),
}
"""The texts of notes that the settings do not replace."""


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """An order that is in the shop, its documents from oldest to newest, and its documents that wait for a person."""

    known: NoticeOrder
    shop: ShopSettings
    documents: tuple[BookDocument, ...]
    waiting: tuple[WaitingDocument, ...]

    def notes(self) -> Iterator[NoteTask]:
        """Every note that the order should have, oldest event first."""
        rules = self.shop.notes
        for document in self._noted_documents():
            if is_since(document.at, rules.since) and rules.audience(document.about) != "off":
                yield self._document_note(document)
        for waiting in self.waiting:
            if is_since(waiting.at, rules.since) and rules.parked != "off":
                yield self._waiting_note(waiting)

    def _noted_documents(self) -> Iterator[BookDocument]:
        """Plans get a note only in a dry run, and only while there is no Sale."""
        dry = self.shop.flows.orders == "dry-run" and all(each.about != "sale" for each in self.documents)
        return (each for each in self.documents if each.about != "plan" or dry)

    def _document_note(self, document: BookDocument) -> NoteTask:
        return NoteTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            marker=_document_marker(self.known.key, document),
            about=document.about,
            document=document.uid,
            customer=self.shop.notes.audience(document.about) == "customer",
            says=_document_text(self.known, document, self.shop.notes),
        )

    def _waiting_note(self, document: WaitingDocument) -> NoteTask:
        return NoteTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            marker=_waiting_marker(document),
            about="parked",
            reason=document.reason,
            customer=False,
            says=_waiting_text(self.known, document, self.shop.notes),
        )

    def status(self) -> StatusTask | None:
        """The status that follows from the books; None if the settings name none for the order's present status."""
        state = self.booked
        status = _next_status(state, self.known.status, self.shop.statuses) if state else None
        if state is None or status is None:
            return None
        return StatusTask(
            shop=self.known.shop,
            order_id=self.known.order_id,
            booked=state,
            was=self.known.status,
            status=status,
            order_version=self.known.version,
            base=self.known.base,
        )

    @property
    def booked(self) -> OwnState | None:
        """The order's state in the books; None if the document that caused it is older than `statuses.since`."""
        state = _state_in_books(self.documents)
        about = "credit-note" if state == "credited" else "sale"
        last = max((each.at for each in self.documents if each.about == about), default=None)
        return state if last is not None and is_since(last, self.shop.statuses.since) else None

    @property
    def has_unknown_status(self) -> bool:
        """Whether neither WooCommerce nor the settings know the order's status; then Davtari asks a person."""
        orders = self.shop.orders
        return self.known.status not in CORE_STATUSES | self.shop.statuses.named | _configured_statuses(orders)


def load_context(order: str, shop: ShopSettings, state: State) -> NoticeContext | None:
    """What is known about an order (`shop:order`); None if it was not read yet, or was removed."""
    known = state.get(ORDER, order)
    if known is None or known.removed:
        return None
    documents = sorted(state.find(DOCUMENT, order).values(), key=lambda each: (each.at, each.uid, each.refund_id or 0))
    waiting = sorted(state.find(WAITING, order).values(), key=lambda each: (each.at, each.about))
    return NoticeContext(known, shop, tuple(documents), tuple(waiting))


def is_since(moment: datetime, since: date | None) -> bool:
    """Whether a moment is on the day `since` or later, in Tbilisi; never if no day is set."""
    return since is not None and local_date(moment) >= since.isoformat()


def _state_in_books(documents: Collection[BookDocument]) -> OwnState | None:
    """`posted` while there is a posted Sale, `credited` once credit notes cover all of it; None before that."""
    sold = [each.total for each in documents if each.about == "sale" and each.posted]
    credited = [each.total for each in documents if each.about == "credit-note"]
    if not sold:
        return None
    return "credited" if credited and sum(credited) >= sum(sold) else "posted"


def _next_status(state: OwnState, status: str, settings: StatusSettings) -> str | None:
    return (settings.posted if state == "posted" else settings.credited).get(status)


def _configured_statuses(orders: OrderSettings) -> frozenset[str]:
    return frozenset(chain(orders.waiting_statuses, *orders.trigger.values()))


def _document_marker(order: str, document: BookDocument) -> str:
    """Depends on the document only, not on the text, so that a new database finds notes written before."""
    return _marker([order, document.about, document.uid, document.refund_id])


def _waiting_marker(document: WaitingDocument) -> str:
    """One note for each document and reason."""
    return _marker([document.order, "parked", document.about, document.reason])


def _marker(parts: list[object]) -> str:
    return f"davtari-{digest_of(parts)[:MARKER_LENGTH]}"


def _document_text(known: NoticeOrder, document: BookDocument, settings: NoteSettings) -> str:
    """Number, date and total of a document; for a Sale also its waybill once that is known."""
    words = {
        "order": known.number,
        "document": document.number or document.uid,
        "date": _format_date(document.date),
        "total": amount(document.total),
        "currency": document.currency,
    }
    text = _fill(document.about, words, settings)
    waybill = _fill("waybill", {"waybill": document.waybill}, settings) if document.waybill else ""
    return _add_marker(f"{text} {waybill}".strip(), _document_marker(known.key, document))


def _waiting_text(known: NoticeOrder, document: WaitingDocument, settings: NoteSettings) -> str:
    """The reason code of a waiting document, and its cause in the language of the notes."""
    words = {"order": known.number, "reason": document.reason, "cause": _cause(document.reason, settings)}
    return _add_marker(_fill("parked", words, settings), _waiting_marker(document))


def _cause(reason: str, settings: NoteSettings) -> str:
    """Empty for a code that this version does not know."""
    text = find_text(reason)
    return "" if text is None else translator(settings.language)(text.cause)


def _fill(name: Text, words: Mapping[str, str | None], settings: NoteSettings) -> str:
    """A note's text with its values; they are escaped because WooCommerce shows notes as HTML."""
    template = settings.templates.get(name, translator(settings.language)(TEXTS[name]))
    return template.format(**{word: escape_html(value or "") for word, value in words.items()}).strip()


def _add_marker(text: str, marker: str) -> str:
    return f"{text} ({marker})"


def _format_date(written: str) -> str:
    """A document's date as people in Georgia write it; unchanged if it is no date."""
    try:
        return date.fromisoformat(written[:10]).strftime("%d.%m.%Y")
    except ValueError:
        return written
