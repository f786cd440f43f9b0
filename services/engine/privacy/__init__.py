"""People's data in the log: sealed under a key of each person, and unreadable once the key is gone."""
