"""Which warehouse the goods leave, what lies there, and what happens when it is not enough."""
