"""console: pages in Georgian and English for the people who work with Davtari."""
