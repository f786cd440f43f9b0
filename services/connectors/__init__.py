"""Calls to Balance and WooCommerce: transport, records, and what an answer means."""
