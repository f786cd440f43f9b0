"""Writes documents: create or replace, post with stock movements, undo, and mark for deletion."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.sandbox.balance import drafts, rules, stock_and_prices
from services.sandbox.balance.books import BalanceDocument, SandboxBooks, SandboxRegister
from services.sandbox.balance.drafts import DocumentDraft, read_draft
from services.sandbox.balance.errors import ExchangeRefusal, error_text
from services.sandbox.balance.record import ZERO, Row, is_empty, is_uid, make_uid
from services.sandbox.balance.rules import resolve_references
from services.sandbox.balance.stock_and_prices import StockMovement


def put_documents(books: SandboxBooks, register: SandboxRegister, sent: list[Row]) -> list[BalanceDocument]:
    """Writes and posts documents in their order. Raises `ExchangeRefusal` at the first that is refused; by the rule
    `array` those before it stay, or nothing of the array does."""
    written: list[tuple[BalanceDocument | None, BalanceDocument]] = []
    try:
        for each in sent:
            earlier = register.get(requested_uid(each))
            written.append((earlier, put_document(books, register, each)))
    except ExchangeRefusal:
        if books.settings.rules.array == "atomic":
            undo_writes(books, register, written)
        raise
    return [document for _, document in written]


def undo_writes(
    books: SandboxBooks, register: SandboxRegister, written: list[tuple[BalanceDocument | None, BalanceDocument]]
) -> None:
    """Undoes writes, newest first."""
    for earlier, document in reversed(written):
        undo_document(books, document)
        register.forget(document.uid)
        if earlier is not None:
            apply_document(books, register, earlier)


def put_document(books: SandboxBooks, register: SandboxRegister, sent: Row) -> BalanceDocument:
    """Creates a document or replaces the one with its uid: the old effect is undone, the new one done.

    Raises `ExchangeRefusal` with every text; the earlier document is kept, or an unposted draft by the rule
    `failed_posting`.
    """
    earlier = register.get(requested_uid(sent))
    draft = read_draft(sent, books.settings)
    if requested_uid(sent) and not is_uid(requested_uid(sent)):
        draft.fault("reference", field="uid", value=sent["uid"])
    resolve_references(draft, books)
    rules.check_draft(draft, register, books)
    if earlier is not None:
        undo_document(books, earlier)
    document = compose_document(draft, register, books, earlier, requested_uid(sent))
    if not draft.faults and document.posted:
        rules.check_posting(draft, document, register, books)
    if draft.faults:
        refuse_posting(books, register, earlier, document, draft)
    apply_document(books, register, document)
    return document


def refuse_posting(
    books: SandboxBooks,
    register: SandboxRegister,
    earlier: BalanceDocument | None,
    document: BalanceDocument,
    draft: DocumentDraft,
) -> None:
    """Keeps what remains after a rejected posting, and raises `ExchangeRefusal`."""
    if books.settings.rules.failed_posting == "draft":
        field = books.settings.dialect.posted_field
        header = document.header | ({field: False} if field else {})
        register.keep(replace(document, posted=False, header=header))
    elif earlier is not None:
        apply_document(books, register, earlier)
    raise ExchangeRefusal(books.settings.rules.error_status, draft.faults)


def patch_document(books: SandboxBooks, register: SandboxRegister, sent: Row) -> BalanceDocument:
    """Changes the named fields of an existing document; lines are replaced if present. Raises `ExchangeRefusal`."""
    earlier = get_document(books, register, requested_uid(sent))
    unchanged: dict[str, Any] = {**earlier.header, "Items": earlier.lines, "uid": earlier.uid}
    moments = {name: value.isoformat() for name, value in unchanged.items() if name in drafts.DATES}
    proper = {drafts.PROPER_HEADER.get(name.lower(), name): value for name, value in sent.items()}
    return put_document(books, register, unchanged | moments | proper)


def mark_document(books: SandboxBooks, register: SandboxRegister, wanted: str) -> BalanceDocument:
    """Marks a document for deletion (Balance fact 9) and undoes it. Raises `ExchangeRefusal` for an unknown uid."""
    earlier = get_document(books, register, wanted)
    undo_document(books, earlier)
    marked = replace(earlier, marked=True, posted=False)
    register.keep(marked)
    return marked


def edit_document(books: SandboxBooks, register: SandboxRegister, wanted: str, change: Row) -> BalanceDocument:
    """A later edit by hand, past every rule: header fields, and lines matched by their Number. `revision` stays.

    Raises `ExchangeRefusal` for an unknown uid or an unreadable value.
    """
    earlier = get_document(books, register, wanted)
    draft = read_draft(change, books.settings)
    if draft.faults:
        raise ExchangeRefusal(400, draft.faults)
    changes = {str(line.get("Number")): line for line in draft.lines}
    lines = [line | changes.get(line["Number"], {}) for line in earlier.lines]
    merged = DocumentDraft(draft.language, earlier.header | draft.header, lines)
    undo_document(books, earlier)
    edited = compose_document(merged, register, books, earlier, earlier.uid)
    edited = replace(edited, revision=earlier.revision, edits=earlier.edits + 1)
    apply_document(books, register, edited)
    return edited


def get_document(books: SandboxBooks, register: SandboxRegister, wanted: str) -> BalanceDocument:
    """The document of a uid; `ExchangeRefusal` when there is none."""
    document = register.get(wanted)
    if document is None:
        raise ExchangeRefusal(
            books.settings.rules.error_status, [error_text(books.settings.dialect.language, "uid", value=wanted)]
        )
    return document


def requested_uid(sent: Row) -> str:
    """The uid that a sent document asks for; "" for a new one."""
    wanted = str(sent.get("uid") or "").lower()
    return "" if wanted == ZERO else wanted


def compose_document(
    draft: DocumentDraft, register: SandboxRegister, books: SandboxBooks, earlier: BalanceDocument | None, wanted: str
) -> BalanceDocument:
    """The document that a draft becomes: uid, number, numbered lines with VAT, and its movements of stock."""
    own = earlier is not None or (wanted and books.settings.dialect.own_uid == "honoured")
    known = wanted if own else register.new_uid()
    header = {name: value for name, value in draft.header.items() if name not in ("uid", "Number")}
    header |= official_rate(header, books)
    lines = [compose_line(known, number, line, header) for number, line in enumerate(draft.lines, start=1)]
    reserves = register is books.sales_orders
    if reserves and drafts.parse_flag(header.get("AutomaticReservation", "")):
        lines = [line | {"Reserve": line["Quantity"]} if is_goods(line, books) else line for line in lines]
    sign = 1 if register is books.credit_notes else -1
    return BalanceDocument(
        uid=known,
        number=earlier.number if earlier else register.next_number(),
        header=header,
        lines=lines,
        revision=earlier.revision + 1 if earlier else 1,
        edits=earlier.edits if earlier else 0,
        posted=is_posted(header, books),
        movements=reservations(header, lines, books) if reserves else stock_movements(header, lines, sign, books),
    )


def official_rate(header: Row, books: SandboxBooks) -> Row:
    """The rate of a foreign currency where the document names none: the official one, as far as Balance knows it."""
    known = books.settings.rules.currency_rates.get(str(header.get("Currency", "")).lower())
    stated = not (is_empty(header.get("CurrencyRate")) and is_empty(header.get("Rate")))
    return {} if known is None or stated else {"CurrencyRate": known}


def is_posted(header: Row, books: SandboxBooks) -> bool:
    """Whether a document is posted: yes, unless the configured field is false (the field's name is unknown)."""
    flag = header.get(books.settings.dialect.posted_field or "-")
    return is_empty(flag) or drafts.parse_flag(flag)


def is_goods(line: Row, books: SandboxBooks) -> bool:
    """Whether a line moves stock."""
    return bool(line.get("Item")) and "Quantity" in line and books.items.is_goods(line["Item"])


def reservations(header: Row, lines: list[Row], books: SandboxBooks) -> list[StockMovement]:
    """What a sales order promises of the stock (inferred from its fields Reserve and AutomaticReservation)."""
    return [
        StockMovement(line["Item"], str(header.get("Warehouse", "")), ZERO, Decimal(0), line["Reserve"])
        for line in lines
        if is_goods(line, books) and line.get("Reserve")
    ]


def compose_line(document: str, number: int, line: Row, header: Row) -> Row:
    """A line with what Balance adds: uid, row Number, VAT by its own rule, AmountIncludingVAT."""
    included = is_empty(header.get("AmountIncludesVAT")) or drafts.parse_flag(header["AmountIncludesVAT"])
    amount = line.get("Amount", Decimal(0))
    rate = stock_and_prices.find_rate(str(line.get("VATRate", "")), text_accepted=True) or stock_and_prices.WITHOUT_VAT
    taxed = header.get("VATTaxable") != stock_and_prices.NOT_TAXABLE
    tax = stock_and_prices.calculate_vat(amount, rate, included) if taxed else Decimal("0.00")
    added: Row = {"VAT": tax, "AmountIncludingVAT": amount if included else amount + tax, "Number": str(number)}
    return line | added | {"uid": line.get("uid") or make_uid("line", f"{document}:{number}")}


def stock_movements(header: Row, lines: list[Row], sign: int, books: SandboxBooks) -> list[StockMovement]:
    """What goods leave the warehouse, or come back to it on a return; a price correction moves nothing."""
    if sign > 0 and header.get("OperationType") == rules.PRICE_CORRECTION:
        return []
    return [
        StockMovement(
            line["Item"], str(header.get("Warehouse", "")), line.get("Series") or ZERO, sign * line["Quantity"]
        )
        for line in lines
        if is_goods(line, books)
    ]


def apply_document(books: SandboxBooks, register: SandboxRegister, document: BalanceDocument) -> None:
    """Keeps a document and does its effect."""
    register.keep(document)
    for movement in document.movements if document.posted else ():
        books.stocks.move(movement)


def undo_document(books: SandboxBooks, document: BalanceDocument) -> None:
    """Undoes a document's effect."""
    for movement in document.movements if document.posted else ():
        books.stocks.move(movement, sign=-1)
