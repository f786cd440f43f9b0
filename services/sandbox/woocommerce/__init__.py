"""A WooCommerce 9.9.5 in memory that answers as the recorded one did, its quirks included."""
