"""The text of a note: what it tells, and the marker by which it is found again for ever (claims S4.29, S4.30)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from html import escape

from contracts.delivery_ids import order_key
from contracts.reason_texts import known
from services.accounting.documents.digest import digest_of
from services.accounting.documents.written import amount
from services.order_notifier.projection import Document, KnownOrder, Waiting
from services.order_notifier.wording import TEXTS
from services.settings.notes import NoteSettings, Text

LENGTH = 16


def document_marker(order: str, document: Document) -> str:
    """The marker of a document's note: always the same, whatever its words, also after the loss of our database."""
    return _marker([order, document.about, document.uid, document.refund_id])


def waiting_marker(waiting: Waiting) -> str:
    """The marker of a note on what waits: one for each document and reason."""
    return _marker([waiting.order, "parked", waiting.about, waiting.reason])


def _marker(parts: list[object]) -> str:
    return f"davtari-{digest_of(parts)[:LENGTH]}"


def document_text(known: KnownOrder, document: Document, settings: NoteSettings) -> str:
    """What a note tells of a document: number, date, total; a Sale's waybill too, when it is known."""
    words = {
        "order": known.number,
        "document": document.number or document.uid,
        "date": _day(document.date),
        "total": amount(document.total),
        "currency": document.currency,
    }
    text = _filled(document.about, words, settings)
    waybill = _filled("waybill", {"waybill": document.waybill}, settings) if document.waybill else ""
    return _signed(f"{text} {waybill}".strip(), document_marker(_key(known), document))


def waiting_text(known: KnownOrder, waiting: Waiting, settings: NoteSettings) -> str:
    """What a private note tells of a document that waits: its reason code, and the cause in the shop's language."""
    words = {"order": known.number, "reason": waiting.reason, "cause": _cause(waiting.reason, settings)}
    return _signed(_filled("parked", words, settings), waiting_marker(waiting))


def _cause(reason: str, settings: NoteSettings) -> str:
    """Empty for a code that this version does not know."""
    text = known(reason)
    return "" if text is None else (text.ka if settings.language == "ka" else text.en).cause


def _filled(name: Text, words: Mapping[str, str | None], settings: NoteSettings) -> str:
    template = settings.templates.get(name, TEXTS[settings.language][name])
    return template.format(**{word: escape(value or "", quote=False) for word, value in words.items()}).strip()


def _signed(text: str, marker: str) -> str:
    return f"{text} ({marker})"


def _key(known: KnownOrder) -> str:
    return order_key(known.shop, known.order_id)


def _day(written: str) -> str:
    """A document's date as people in Georgia write it; as it stands where it is none."""
    try:
        return date.fromisoformat(written[:10]).strftime("%d.%m.%Y")
    except ValueError:
        return written
