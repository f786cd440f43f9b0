"""The figures of one side in a form that digests stand on."""

from __future__ import annotations

from services.accounting.documents.written import number
from services.cli.day_close.sides import Side


def figures_of(side: Side | None) -> object:
    """All that a side says, as JSON-ready content; None for one that says nothing."""
    if side is None:
        return None
    rates = {rate: [number(taxed.gross), number(taxed.vat)] for rate, taxed in side.rates.items()}
    return [side.uid, number(side.total), side.currency, rates]
