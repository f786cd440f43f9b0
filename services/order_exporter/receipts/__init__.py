"""Receipts: a document of its own for each payment of an order, where the customer's Balance has one (claim S0.13)."""
