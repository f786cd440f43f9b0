"""Where each resource is, and the parameters that this Balance wants with every read of it."""

from __future__ import annotations

from services.settings.balance import BalanceSettings

STOCKS = "Stocks"


def resource_url(settings: BalanceSettings, resource: str) -> str:
    """The address of a resource, under the publication that is set for it."""
    return f"{settings.base_url(resource)}/{resource}"


def constant_parameters(settings: BalanceSettings, resource: str) -> dict[str, str]:
    """The parameters that the settings ask for.

    API facts: unknown parameters are refused, and an empty `uid=` may give 502: nothing is sent that is not set.
    """
    dialect = settings.dialect
    wanted = {
        "uid": dialect.uid_parameter.get(resource, ""),
        "Source": dialect.source_parameter.get(resource, ""),
        "Total": "false" if dialect.stocks_total_false and resource == STOCKS else "",
    }
    return {name: value for name, value in wanted.items() if value}
