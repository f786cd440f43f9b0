"""`davtari propose`: products that only a shop has, as items for the accountant to make in Balance."""
