"""`davtari forget`: a buyer's personal data out of everything that is ours."""
