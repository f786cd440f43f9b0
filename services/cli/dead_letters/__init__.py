"""`davtari dead-letters`: records and deliveries that only a person can resolve."""
