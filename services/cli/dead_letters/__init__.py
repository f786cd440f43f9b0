"""`davtari dead-letters`: what only a person can settle."""
