"""`davtari mapping`: which groups of Balance a shop sells, and in which category."""
