"""The installation's secret in tests: every process of a test makes ids of persons with it."""

from __future__ import annotations

from services.engine.person_ids import use_secret

SECRET = "the secret of the tests, which is not one"


def use_secret_of_tests() -> None:
    """Have this process make ids with the secret of the tests."""
    use_secret(lambda: SECRET)
