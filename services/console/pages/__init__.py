"""The pages of the console: HTML rendered on the server, in Georgian and English."""
