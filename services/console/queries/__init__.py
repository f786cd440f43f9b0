"""Questions about the query database, and their answers."""
