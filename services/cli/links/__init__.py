"""`davtari links`: the link table as a file, from a file, and back from the shop."""
