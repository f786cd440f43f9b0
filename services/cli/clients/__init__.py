"""`davtari clients`, `davtari import clients`, `davtari export clients`."""
