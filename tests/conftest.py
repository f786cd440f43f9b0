"""What every test may use. The plugins stand in `tests/support`."""

pytest_plugins = ["pytester", "tests.support.claims_plugin", "tests.support.broker_plugin"]
