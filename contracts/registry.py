"""Every event type by its CloudEvents `type`."""

from __future__ import annotations

from contracts import alerts, balance, catalog, drift, identity, ledger, linking, operations, shop
from contracts.model import Event

EVENTS: tuple[type[Event], ...] = (
    balance.ItemChanged,
    balance.ItemWithdrawn,
    balance.PriceChanged,
    balance.StockChanged,
    shop.OrderChanged,
    shop.OrderRemoved,
    shop.RefundIssued,
    shop.RefundRemoved,
    catalog.ProductLinked,
    catalog.ProductUnlinked,
    catalog.ProductPlanned,
    catalog.AvailabilityChanged,
    ledger.ClientRecorded,
    ledger.SaleRecorded,
    ledger.SalePlanned,
    ledger.SaleDiverged,
    ledger.CreditNoteRecorded,
    ledger.CreditNotePlanned,
    operations.ImportRequested,
    operations.PushRequested,
    operations.ReplayRequested,
    operations.DiscardRequested,
    operations.EditRequested,
    operations.ApplyRequested,
    operations.CommandSettled,
    operations.DeadLettered,
    operations.DeadLetterSettled,
    alerts.AlertSent,
    alerts.FeedStateChanged,
    identity.ShopIdentified,
    identity.ShopNotRecognized,
    identity.AcceptShopRequested,
    linking.LinkRequested,
    drift.StockDrifted,
)
BY_TYPE: dict[str, type[Event]] = {event.TYPE: event for event in EVENTS}
