"""A bridge from Davtari's topics to a webhook. The folder has no dependency on Davtari: copy it where it is needed."""
