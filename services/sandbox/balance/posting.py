"""Writing documents: upsert, posting with its effects, taking back, and marking for deletion."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.sandbox.balance import fields, rules, vat
from services.sandbox.balance.books import Books
from services.sandbox.balance.draft import Draft, drafted
from services.sandbox.balance.errors import Refused, text
from services.sandbox.balance.record import ZERO, Row, is_empty, is_uid, uid
from services.sandbox.balance.references import resolve
from services.sandbox.balance.register import Document, Register
from services.sandbox.balance.stocks import Movement


def put_all(books: Books, register: Register, sent: list[Row]) -> list[Document]:
    """Writes and posts documents in their order. Raises `Refused` at the first that is refused; by the rule
    `array` those before it stay, or nothing of the array does."""
    written: list[tuple[Document | None, Document]] = []
    try:
        for each in sent:
            earlier = register.get(wanted_uid(each))
            written.append((earlier, put(books, register, each)))
    except Refused:
        if books.settings.rules.array == "atomic":
            take_back(books, register, written)
        raise
    return [document for _, document in written]


def take_back(books: Books, register: Register, written: list[tuple[Document | None, Document]]) -> None:
    """Undoes writes, newest first."""
    for earlier, document in reversed(written):
        withdraw(books, document)
        register.forget(document.uid)
        if earlier is not None:
            enter(books, register, earlier)


def put(books: Books, register: Register, sent: Row) -> Document:
    """Creates a document or replaces the one with its uid: the old effect is undone, the new one done.

    Raises `Refused` with every text; then the earlier document stands as it stood, or by the rule `failed_posting` an
    unposted draft stands.
    """
    earlier = register.get(wanted_uid(sent))
    draft = drafted(sent, books.settings)
    if wanted_uid(sent) and not is_uid(wanted_uid(sent)):
        draft.fault("reference", field="uid", value=sent["uid"])
    resolve(draft, books)
    rules.check(draft, register, books)
    if earlier is not None:
        withdraw(books, earlier)
    document = composed(draft, register, books, earlier, wanted_uid(sent))
    if not draft.faults and document.posted:
        rules.check_posting(draft, document, register, books)
    if draft.faults:
        fail(books, register, earlier, document, draft)
    enter(books, register, document)
    return document


def fail(books: Books, register: Register, earlier: Document | None, document: Document, draft: Draft) -> None:
    """Leaves behind what a refused posting leaves, and raises `Refused`."""
    if books.settings.rules.failed_posting == "draft":
        field = books.settings.dialect.posted_field
        header = document.header | ({field: False} if field else {})
        register.keep(replace(document, posted=False, header=header))
    elif earlier is not None:
        enter(books, register, earlier)
    raise Refused(books.settings.rules.error_status, draft.faults)


def patch(books: Books, register: Register, sent: Row) -> Document:
    """Changes the named fields of an existing document; lines are replaced when given. Raises `Refused`."""
    earlier = existing(books, register, wanted_uid(sent))
    unchanged: dict[str, Any] = {**earlier.header, "Items": earlier.lines, "uid": earlier.uid}
    moments = {name: value.isoformat() for name, value in unchanged.items() if name in fields.MOMENTS}
    proper = {fields.PROPER_HEADER.get(name.lower(), name): value for name, value in sent.items()}
    return put(books, register, unchanged | moments | proper)


def mark(books: Books, register: Register, wanted: str) -> Document:
    """Marks a document for deletion (API fact: DELETE); its effect is undone. Raises `Refused` for an unknown uid."""
    earlier = existing(books, register, wanted)
    withdraw(books, earlier)
    marked = replace(earlier, marked=True, posted=False)
    register.keep(marked)
    return marked


def edit(books: Books, register: Register, wanted: str, change: Row) -> Document:
    """A later edit by hand, past every rule: header fields, and lines matched by their Number. `revision` stays.

    Raises `Refused` for an unknown uid or an unreadable value.
    """
    earlier = existing(books, register, wanted)
    draft = drafted(change, books.settings)
    if draft.faults:
        raise Refused(400, draft.faults)
    changes = {str(line.get("Number")): line for line in draft.lines}
    lines = [line | changes.get(line["Number"], {}) for line in earlier.lines]
    merged = Draft(draft.language, earlier.header | draft.header, lines)
    withdraw(books, earlier)
    edited = composed(merged, register, books, earlier, earlier.uid)
    edited = replace(edited, revision=earlier.revision, edits=earlier.edits + 1)
    enter(books, register, edited)
    return edited


def existing(books: Books, register: Register, wanted: str) -> Document:
    """The document of a uid; `Refused` when there is none."""
    document = register.get(wanted)
    if document is None:
        raise Refused(books.settings.rules.error_status, [text(books.settings.dialect.language, "uid", value=wanted)])
    return document


def wanted_uid(sent: Row) -> str:
    """The uid that a sent document asks for; "" for a new one."""
    wanted = str(sent.get("uid") or "").lower()
    return "" if wanted == ZERO else wanted


def composed(draft: Draft, register: Register, books: Books, earlier: Document | None, wanted: str) -> Document:
    """The document that a draft becomes: uid, number, numbered lines with VAT, and its movements of stock."""
    own = earlier is not None or (wanted and books.settings.dialect.own_uid == "honoured")
    known = wanted if own else register.new_uid()
    header = {name: value for name, value in draft.header.items() if name not in ("uid", "Number")}
    header |= official_rate(header, books)
    lines = [line_of(known, number, line, header) for number, line in enumerate(draft.lines, start=1)]
    reserves = register is books.sales_orders
    if reserves and fields.flag(header.get("AutomaticReservation", "")):
        lines = [line | {"Reserve": line["Quantity"]} if is_goods(line, books) else line for line in lines]
    sign = 1 if register is books.credit_notes else -1
    return Document(
        uid=known,
        number=earlier.number if earlier else register.next_number(),
        header=header,
        lines=lines,
        revision=earlier.revision + 1 if earlier else 1,
        edits=earlier.edits if earlier else 0,
        posted=is_posted(header, books),
        movements=reservations(header, lines, books) if reserves else movements(header, lines, sign, books),
    )


def official_rate(header: Row, books: Books) -> Row:
    """The rate of a foreign currency where the document names none: the official one, as far as Balance knows it."""
    known = books.settings.rules.currency_rates.get(str(header.get("Currency", "")).lower())
    stated = not (is_empty(header.get("CurrencyRate")) and is_empty(header.get("Rate")))
    return {} if known is None or stated else {"CurrencyRate": known}


def is_posted(header: Row, books: Books) -> bool:
    """Whether a document is to be posted: it is, unless its field for that says no (which field: nobody knows)."""
    said = header.get(books.settings.dialect.posted_field or "-")
    return is_empty(said) or fields.flag(said)


def is_goods(line: Row, books: Books) -> bool:
    """Whether a line moves stock."""
    return bool(line.get("Item")) and "Quantity" in line and books.items.is_goods(line["Item"])


def reservations(header: Row, lines: list[Row], books: Books) -> list[Movement]:
    """What a sales order promises of the stock (inferred from its fields Reserve and AutomaticReservation)."""
    return [
        Movement(line["Item"], str(header.get("Warehouse", "")), ZERO, Decimal(0), line["Reserve"])
        for line in lines
        if is_goods(line, books) and line.get("Reserve")
    ]


def line_of(document: str, number: int, line: Row, header: Row) -> Row:
    """A line with what Balance adds: uid, row Number, VAT by its own rule, AmountIncludingVAT."""
    included = is_empty(header.get("AmountIncludesVAT")) or fields.flag(header["AmountIncludesVAT"])
    amount = line.get("Amount", Decimal(0))
    rate = vat.rate_named(str(line.get("VATRate", "")), text_accepted=True) or vat.WITHOUT
    taxed = header.get("VATTaxable") != vat.NOT_TAXABLE
    tax = vat.line_vat(amount, rate, included) if taxed else Decimal("0.00")
    added: Row = {"VAT": tax, "AmountIncludingVAT": amount if included else amount + tax, "Number": str(number)}
    return line | added | {"uid": line.get("uid") or uid("line", f"{document}:{number}")}


def movements(header: Row, lines: list[Row], sign: int, books: Books) -> list[Movement]:
    """What goods leave the warehouse, or come back to it on a return; a price correction moves nothing."""
    if sign > 0 and header.get("OperationType") == rules.PRICE_CORRECTION:
        return []
    return [
        Movement(line["Item"], str(header.get("Warehouse", "")), line.get("Series") or ZERO, sign * line["Quantity"])
        for line in lines
        if is_goods(line, books)
    ]


def enter(books: Books, register: Register, document: Document) -> None:
    """Keeps a document and does its effect."""
    register.keep(document)
    for movement in document.movements if document.posted else ():
        books.stocks.move(movement)


def withdraw(books: Books, document: Document) -> None:
    """Undoes a document's effect."""
    for movement in document.movements if document.posted else ():
        books.stocks.move(movement, sign=-1)
