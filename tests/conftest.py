"""What every test may use. The plugins are in `tests/support`.

Property tests take the same examples in each run, so that a check is green or red by the code alone; new ones are
looked for with HYPOTHESIS_PROFILE=search.
"""

import gc
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.secret import use_secret_of_tests

os.umask(0o077)
"""Services refuse secrets that others can read: what tests write is private, as `davtari init` writes it."""

use_secret_of_tests()  # ids are made while tests are collected, too

pytest_plugins = [
    "pytester",
    "tests.support.claims_plugin",
    "tests.support.broker_plugin",
    "tests.support.not_run_plugin",
]
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_finish() -> None:
    """Exclude all objects that exist now from garbage collection: they live until the end of the run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _secret_of_the_tests() -> None:
    """A command reads the secret of its settings; the next test makes ids with the tests' own all the same."""
    use_secret_of_tests()


@pytest.fixture(autouse=True)
def _log_level_as_before() -> Iterator[None]:
    """A command sets the level of the whole process; the next test sees its log lines all the same."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)
