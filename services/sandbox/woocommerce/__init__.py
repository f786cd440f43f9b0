"""A WooCommerce in memory that answers as the recorded 9.9.5 did, quirks included."""
