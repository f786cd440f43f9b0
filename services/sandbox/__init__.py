"""Sandboxes of Balance and WooCommerce with faults on demand. They speak only HTTP."""
