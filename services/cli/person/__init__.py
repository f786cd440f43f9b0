"""`davtari person`: what is held about one person."""
