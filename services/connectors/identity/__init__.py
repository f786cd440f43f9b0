"""Recognizes a shop, so that a copy with the same keys, orders and webhooks is neither read nor written (claim K20)."""
