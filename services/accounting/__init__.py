"""Rules of the books that several services share."""
