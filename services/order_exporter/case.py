"""One order with all that bears on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.order_exporter.projection import KnownOrder
from services.shared.documents import trigger
from services.shared.documents.push import Push, wants_document
from services.shared.documents.relations import Role, role_of
from services.shared.documents.ruling import document_of
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.order_rules import DocumentKind
from services.shared.settings.shop import ShopSettings
from services.shared.state.records import State


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
