"""A Balance and a WooCommerce to run against, with faults on demand; they speak only HTTP."""
