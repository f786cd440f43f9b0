"""`davtari init`: the settings, asked in the right order."""
