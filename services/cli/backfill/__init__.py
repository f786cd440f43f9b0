"""`davtari backfill`: export what is in the shop but not in the books."""
