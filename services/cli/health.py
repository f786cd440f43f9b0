"""`python -m services.cli.health [readyz|livez]`: asks the service of this container how it is; for HEALTHCHECK.

It is run every few seconds beside each service, so it imports nothing but the standard library's client.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from os import environ

PORT = "DAVTARI__TELEMETRY__PORT"
PATIENCE = 5.0


def check_health(page: str, environment: Mapping[str, str], host: str = "127.0.0.1") -> tuple[bool, str]:
    """Whether the page says yes, and what it says; the port comes from the environment, as the service's own does."""
    if PORT not in environment:
        return False, f"{PORT} is not set: health is not served, so nothing can be said of it"
    connection = HTTPConnection(host, int(environment[PORT]), timeout=PATIENCE)
    try:
        connection.request("GET", f"/{page}")
        answer = connection.getresponse()
        return answer.status == 200, answer.read().decode()
    except (OSError, HTTPException) as error:
        return False, f"no answer at {host}:{environment[PORT]}: {error!r}"
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """0 when well, 1 when not; the reasons are printed."""
    well, told = check_health(arguments[0] if arguments else "readyz", environ)
    print(told)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
