"""The user manual: a guide for each role, every reason code, every setting, and a search over all of it."""
