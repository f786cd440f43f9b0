"""A bridge from Davtari's topics to a webhook. The folder stands alone: copy it where it is needed."""
