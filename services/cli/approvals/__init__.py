"""The accountant's gate on the command line: what waits for an approval, and giving it."""
