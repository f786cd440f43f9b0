"""What both exporters need to make a ledger document: uids, written figures, unit prices, pushes, read-back."""
