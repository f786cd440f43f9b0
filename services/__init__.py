"""The services of Davtari."""
