"""Validates documents: resolves references, checks fields, then checks posting. Errors are texts for the Error list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from services.sandbox.balance import stock_and_prices
from services.sandbox.balance.books import BalanceDocument, SandboxBooks, SandboxRegister
from services.sandbox.balance.drafts import DocumentDraft, parse_figure
from services.sandbox.balance.record import Row, is_empty, is_uid
from services.sandbox.balance.settings import TextReference

IsKnown = Callable[[str], bool]
ByText = Callable[[str], str | None]


def resolve_references(draft: DocumentDraft, books: SandboxBooks) -> None:
    """Replaces references by uids; unknown ones are dropped or reported."""
    stance = books.settings.dialect.reference_text
    known_client = books.clients.__contains__
    resolve_reference(draft, draft.header, "Client", stance, known_client, books.clients.find_by_text)
    resolve_reference(draft, draft.header, "Warehouse", stance, books.warehouses.__contains__, books.warehouse_named)
    for line in draft.lines:
        resolve_reference(
            draft, line, "Item", books.settings.dialect.item_text, books.items.__contains__, books.items.named
        )
        resolve_reference(draft, line, "Series", "refused", books.series.__contains__, lambda _: None)
        resolve_rate(draft, line, books)


def resolve_reference(
    draft: DocumentDraft, row: Row, name: str, stance: TextReference, known: IsKnown, by_text: ByText
) -> None:
    """Resolves one reference. An item named by text may be dropped without an error (Balance fact 37)."""
    if is_empty(row.get(name)):
        return
    written = str(row[name])
    found = written.lower() if is_uid(written) else (by_text(written) if stance == "resolved" else None)
    if not is_uid(written) and stance == "dropped":
        row[name] = ""
    elif found is None or not known(found):
        draft.fault("reference", field=name, value=written)
    else:
        row[name] = found


def resolve_rate(draft: DocumentDraft, line: Row, books: SandboxBooks) -> None:
    """Resolves a line's VAT rate: its own, else that of its item. Text is often not accepted (Balance fact 38)."""
    written = str(line.get("VATRate", ""))
    accepted = books.settings.dialect.vat_rate_text == "accepted"
    if is_empty(written) or (written in stock_and_prices.PERCENT and not accepted):
        item = books.items.get(str(line.get("Item", "")))
        line["VATRate"] = stock_and_prices.RATE_UIDS[item["VATRate"] if item else stock_and_prices.REGULAR_RATE]
    elif stock_and_prices.find_rate(written, accepted) is None:
        draft.fault("reference", field="VATRate", value=written)


RETURN = "დაბრუნება"
RETURN_WITHOUT_BASE = "საფუძვლის გარეშე უკან დაბრუნება"
PRICE_CORRECTION = "ფასის კორექტირება"
CREDIT_OPERATIONS = (RETURN, PRICE_CORRECTION, RETURN_WITHOUT_BASE)


def check_draft(draft: DocumentDraft, register: SandboxRegister, books: SandboxBooks) -> None:
    """Adds to the draft's faults whatever the settings forbid; references must be resolved first."""
    if register in books.receipts.values():
        check_receipt(draft, books)
        return
    is_note = register is books.credit_notes
    rules = books.settings.rules
    check_mandatory(draft, rules.mandatory_credit_note if is_note else rules.mandatory_sale)
    if register is not books.sales_orders:
        check_operation(draft, CREDIT_OPERATIONS if is_note else rules.sale_operations)
    for number, line in enumerate(draft.lines, start=1):
        check_line(draft, number, line, books)
    if is_note:
        check_base(draft, books)


def check_receipt(draft: DocumentDraft, books: SandboxBooks) -> None:
    """A receipt has an amount that is a number, of either sign but not 0, and belongs to a Sale if it names one."""
    check_mandatory(draft, books.settings.rules.mandatory_receipt)
    amount = draft.header.get("Amount")
    try:
        draft.header |= {} if is_empty(amount) else {"Amount": parse_figure("Amount", amount)}
    except ValueError:
        draft.fault("number", line=0, field="Amount", value=amount)
    check_base(draft, books)


def check_mandatory(draft: DocumentDraft, mandatory: Sequence[str]) -> None:
    """Every mandatory field must be filled; `Items` means that there is a line."""
    for name in mandatory:
        if name != "Items" and is_empty(draft.header.get(name)):
            draft.fault("missing", field=name)
    if "Items" in mandatory and not draft.lines:
        draft.fault("no-lines")


def check_operation(draft: DocumentDraft, allowed: Sequence[str]) -> None:
    """An operation type must match a configured spelling (Balance fact 14)."""
    written = draft.header.get("OperationType")
    if allowed and not is_empty(written) and written not in allowed:
        draft.fault("operation", value=written)


def check_line(draft: DocumentDraft, number: int, line: Row, books: SandboxBooks) -> None:
    """One line's figures: there, with allowed signs, and adding up."""
    missing = [name for name in ("Quantity", "Amount") if name not in line]
    if missing:
        draft.fault("missing", field=f"Items[{number}].{', '.join(missing)}")
        return
    check_signs(draft, number, line, books)
    check_product(draft, number, line, books.settings.rules.amount_tolerance)
    if books.settings.rules.series_required and is_empty(line.get("Series")) and has_lots(line, books):
        draft.fault("series", line=number)


def check_signs(draft: DocumentDraft, number: int, line: Row, books: SandboxBooks) -> None:
    """A quantity is above zero; an amount may be below it (a negative fee) unless the rules say otherwise."""
    rules = books.settings.rules
    service = bool(line.get("Item")) and not books.items.is_goods(line["Item"])
    if not is_quantity_allowed(draft, line["Quantity"], service and rules.negative_quantities == "services"):
        draft.fault("quantity", line=number, value=line["Quantity"])
    below_zero = rules.negative_amounts == "accepted" or (service and rules.negative_amounts == "services")
    if line["Amount"] < 0 and not below_zero:
        draft.fault("negative", line=number, value=line["Amount"])


def is_quantity_allowed(draft: DocumentDraft, quantity: Decimal, any_sign: bool) -> bool:
    """A quantity is above zero; zero is allowed where only a price is corrected."""
    correction = draft.header.get("OperationType") == PRICE_CORRECTION
    return quantity > 0 or (quantity == 0 and correction) or (quantity < 0 and any_sign)


def has_lots(line: Row, books: SandboxBooks) -> bool:
    """Whether the line's item is kept by lots."""
    return any(lot["Item"] == line.get("Item") for lot in books.series.values())


def check_product(draft: DocumentDraft, number: int, line: Row, tolerance: Decimal | None) -> None:
    """Amount = Quantity × DiscountedPrice (or Price), within the tolerance."""
    price = line.get("DiscountedPrice", line.get("Price"))
    if tolerance is None or price is None:
        return
    meant = line["Quantity"] * price
    if abs(meant - line["Amount"]) > tolerance:
        draft.fault("amount", line=number, value=line["Amount"], meant=meant)


def check_base(draft: DocumentDraft, books: SandboxBooks) -> None:
    """A credit note's BaseDocument is a Sale, and its lines' one that Sale or a line of it; a return must have one."""
    written = str(draft.header.get("BaseDocument", ""))
    if is_empty(written) and draft.header.get("OperationType") == RETURN:
        draft.fault("missing", field="BaseDocument")
    if is_empty(written):
        return
    sale = books.sales.get(written.lower())
    known = {sale.uid, *(line["uid"] for line in sale.lines)} if sale and sale.posted else set()
    for reference in [written, *(str(line.get("BaseDocument", "")) for line in draft.lines)]:
        if not is_empty(reference) and reference.lower() not in known:
            draft.fault("base", value=reference)


def check_posting(
    draft: DocumentDraft, document: BalanceDocument, register: SandboxRegister, books: SandboxBooks
) -> None:
    """What the posting handler refuses: a closed period, a second credit note, stock that is not there."""
    rules, date = books.settings.rules, document.header.get("Date")
    if rules.lock_date is not None and date is not None and date.date() < rules.lock_date:
        draft.fault("period", value=rules.lock_date.isoformat(), meant=date.date().isoformat())
    if register is books.credit_notes and rules.second_credit_note == "refused":
        for other in other_credit_notes(document, books):
            draft.fault("second-note", value=document.header["BaseDocument"], meant=other.number)
    if not rules.allow_negative_stock:
        check_stock(draft, document, books)


def other_credit_notes(document: BalanceDocument, books: SandboxBooks) -> Iterator[BalanceDocument]:
    """The other posted credit notes of the same Sale."""
    base = document.header.get("BaseDocument")
    return (
        note
        for note in books.credit_notes
        if note.posted and note.uid != document.uid and not is_empty(base) and note.header.get("BaseDocument") == base
    )


def check_stock(draft: DocumentDraft, document: BalanceDocument, books: SandboxBooks) -> None:
    """Nothing may leave a warehouse that is not in it."""
    wanted: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for move in document.movements:
        wanted[move.item, move.warehouse, move.series] += move.quantity
    for (item, warehouse, series), quantity in wanted.items():
        left = books.stocks.on_hand(item, warehouse, series) + quantity
        if quantity < 0 and left < 0:
            known = books.items.get(item) or {}
            draft.fault("stock", value=known.get("Name", item), meant=-left)
