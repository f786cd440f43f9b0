"""`davtari order`: everything known about one order."""
