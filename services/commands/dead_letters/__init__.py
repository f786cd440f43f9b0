"""`davtari dead-letters`: what only a person can settle."""

from services.commands.dead_letters.app import app

__all__ = ["app"]
