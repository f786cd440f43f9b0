"""`davtari links`: exports, imports and rebuilds the links between items and products."""
