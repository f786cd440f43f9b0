"""Checks of the source beyond those of ruff: the words that are not used here."""
