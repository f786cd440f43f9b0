"""Every reason code. The texts (cause, effect, fix, in English and Georgian) stand in `reasons.toml`."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something waits for a person. A code never changes its meaning; `<area>.<what>`."""

    RECORD_TOMBSTONE = "record.tombstone"
    RECORD_UNKNOWN_TYPE = "record.unknown-type"
    RECORD_BAD_HEADERS = "record.bad-headers"
    RECORD_INVALID_DATA = "record.invalid-data"
    RECORD_RULE_FAILED = "record.rule-failed"
    DECISION_FAILED = "decision.failed"

    BALANCE_REFUSED = "balance.refused"
    BALANCE_BAD_ANSWER = "balance.bad-answer"
    BALANCE_ROW_INVALID = "balance.row-invalid"
    BALANCE_PERIOD_CLOSED = "balance.period-closed"
    BALANCE_STOCK_SHORT = "balance.stock-short"
    BALANCE_SNAPSHOT_SHRANK = "balance.snapshot-shrank"
    BALANCE_SNAPSHOT_ALARMING = "balance.snapshot-alarming"
    BALANCE_UNREADABLE = "balance.unreadable"

    SHOP_REFUSED = "shop.refused"
    SHOP_BAD_ANSWER = "shop.bad-answer"
    SHOP_ECHO_DIFFERS = "shop.echo-differs"
    SHOP_PRODUCT_GONE = "shop.product-gone"
    SHOP_ORDER_INVALID = "shop.order-invalid"
    SHOP_STOCK_NOT_MANAGED = "shop.stock-not-managed"
    SHOP_WEBHOOK_REFUSED = "shop.webhook-refused"
    SHOP_NOT_RECOGNIZED = "shop.not-recognized"
    SHOP_STATUS_UNKNOWN = "shop.status-unknown"
    SHOP_ORDER_MOVED = "shop.order-moved"

    PRODUCT_GROUP_NOT_MAPPED = "product.group-not-mapped"
    PRODUCT_GROUP_EXCLUDED = "product.group-excluded"
    PRODUCT_NOT_GOODS = "product.not-goods"
    PRODUCT_NOT_FOR_SALE = "product.not-for-sale"
    PRODUCT_NO_SKU = "product.no-sku"
    PRODUCT_SKU_NOT_ALLOWED = "product.sku-not-allowed"
    PRODUCT_SKU_USED_TWICE = "product.sku-used-twice"
    PRODUCT_SKU_AMBIGUOUS = "product.sku-ambiguous"
    PRODUCT_IN_TRASH = "product.in-trash"
    PRODUCT_OF_OTHER_ITEM = "product.of-other-item"
    PRODUCT_NOT_MADE = "product.not-made"
    PRODUCT_WITHDRAWN = "product.withdrawn"
    PRODUCT_PRICE_INVALID = "product.price-invalid"
    PRODUCT_PRICE_FELL = "product.price-fell"

    FEED_STALE = "feed.stale"

    STOCK_WAREHOUSE_UNKNOWN = "stock.warehouse-unknown"
    STOCK_FIGURE_ABSURD = "stock.figure-absurd"
    STOCK_ORDER_UNREAD = "stock.order-unread"

    SALE_ITEM_NOT_LINKED = "sale.item-not-linked"
    SALE_SETTING_MISSING = "sale.setting-missing"
    SALE_CURRENCY_NOT_MAPPED = "sale.currency-not-mapped"
    SALE_TOTAL_DIFFERS = "sale.total-differs"
    SALE_TOTAL_NEGATIVE = "sale.total-negative"
    SALE_TAX_NOT_MAPPED = "sale.tax-not-mapped"
    SALE_QUANTITY_INVALID = "sale.quantity-invalid"
    SALE_NOTHING_TO_SELL = "sale.nothing-to-sell"
    SALE_STATUS_UNKNOWN = "sale.status-unknown"
    SALE_CLIENT_WAITS = "sale.client-waits"
    SALE_NOT_AS_MEANT = "sale.not-as-meant"
    SALE_NOT_WHOLE_TETRI = "sale.not-whole-tetri"
    SALE_OVERDUE = "sale.overdue"
    SALE_WAREHOUSE_UNKNOWN = "sale.warehouse-unknown"

    SALE_RESTORED = "sale.restored"

    APPROVAL_WAITS = "approval.waits"

    REFUND_SALE_MISSING = "refund.sale-missing"
    REFUND_LINE_UNKNOWN = "refund.line-unknown"
    REFUND_ABOVE_SALE = "refund.above-sale"
    REFUND_AMOUNT_DIFFERS = "refund.amount-differs"
    REFUND_SETTING_MISSING = "refund.setting-missing"
    REFUND_REMOVED = "refund.removed"
    REFUND_NOTHING_TO_CREDIT = "refund.nothing-to-credit"
    REFUND_NOT_WHOLE_TETRI = "refund.not-whole-tetri"
    REFUND_NOT_AS_MEANT = "refund.not-as-meant"
    REFUND_REQUEST_INVALID = "refund.request-invalid"

    PAYMENT_METHOD_NOT_MAPPED = "payment.method-not-mapped"
    PAYMENT_SALE_MISSING = "payment.sale-missing"
    PAYMENT_NOT_AS_MEANT = "payment.not-as-meant"
