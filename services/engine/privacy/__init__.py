"""Personal data in the log: encrypted under a key of each person, and unreadable once the key is deleted."""
