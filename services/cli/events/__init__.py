"""`davtari events`: tail, export and replay what the topics hold."""
