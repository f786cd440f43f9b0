"""Every order that was ever read, and how it stands: in the books, on its way, or watched (claim S4.27)."""
