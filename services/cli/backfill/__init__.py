"""Orders of past days that should be in the books and are not."""
