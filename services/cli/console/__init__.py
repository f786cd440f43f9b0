"""`davtari console`: the people who may use the console's pages."""
