"""What the console remembers: rows of the query database, and the rules that fill them."""
