"""`davtari forget`: erase a buyer's personal data from everything that Davtari stores."""
