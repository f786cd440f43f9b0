"""Is this still our shop? A copy of a shop has its keys, orders and webhooks; its address gives it away (claim K20)."""
