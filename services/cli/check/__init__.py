"""`davtari check`: what is wrong in either system, and what mends it."""
