"""One order with all that bears on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.accounting.documents import trigger
from services.accounting.documents.push import Push, wants_document
from services.accounting.documents.relations import Role, role_of
from services.accounting.documents.ruling import document_of
from services.engine.state.records import State
from services.order_exporter.projection import KnownOrder
from services.settings.balance import BalanceSettings
from services.settings.order_rules import DocumentKind
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class Case:
    """An order, the settings that hold for it, and what people have asked for."""

    known: KnownOrder
    shop: ShopSettings
    balance: BalanceSettings
    pushes: tuple[Push, ...]
    state: State

    @property
    def live(self) -> bool:
        """Whether documents are written, and not only planned."""
        return self.shop.flows.orders == "live"

    @property
    def role(self) -> Role:
        """What the order is to its parent; a person who pushes one has it booked on its own."""
        role = role_of(self.known.order, self.shop.orders)
        return "own-order" if role != "whole" and wants_document(self.pushes) else role

    @property
    def document(self) -> DocumentKind:
        """Which document the rules want; a push lets a held order go as a Sale (claim S4.31)."""
        wanted = document_of(self.known.order, self.shop.orders)
        return "sale" if wanted == "hold" and wants_document(self.pushes) else wanted

    @property
    def is_wanted(self) -> bool:
        """Whether the document is due: pushed by a person, or triggered and past its hold."""
        return wants_document(self.pushes) or self.is_due

    @property
    def is_due(self) -> bool:
        """Whether the document is triggered and past its hold."""
        return self._is_triggered and trigger.is_due(self.known.order, self.shop.orders, self.state.now)

    @property
    def held_until(self) -> datetime | None:
        """When the hold ends; None when nothing is held."""
        held = self._is_triggered and not self.is_due
        return trigger.due_at(self.known.order, self.shop.orders) if held else None

    @property
    def _is_triggered(self) -> bool:
        """A sales order is made in the statuses that its rule names, a Sale at the shop's trigger."""
        order, rules = self.known.order, self.shop.orders
        return self.document == "sales-order" or trigger.is_asked_for(order, rules)
