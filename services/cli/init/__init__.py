"""`davtari init`: writes the settings file."""
