"""`python -m services.cli.health [readyz|livez]`: reads the health of this container's service, for HEALTHCHECK.

It runs every few seconds, so it imports only the standard library.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from os import environ
from pathlib import Path

PORT, TOKEN_FILE = "DAVTARI__TELEMETRY__PORT", "DAVTARI__TELEMETRY__TOKEN_FILE"
TIMEOUT = 5.0


def check_health(page: str, environment: Mapping[str, str], host: str = "127.0.0.1") -> tuple[bool, str]:
    """Whether the page reports success, and its text.

    The port and the file of the token come from the environment, as for the service.
    """
    if PORT not in environment:
        return False, f"{PORT} is not set, so the service does not serve its health"
    connection = HTTPConnection(host, int(environment[PORT]), timeout=TIMEOUT)
    try:
        connection.request("GET", f"/{page}", headers=_authorization(environment))
        answer = connection.getresponse()
        return answer.status == 200, answer.read().decode()
    except (OSError, HTTPException) as error:
        return False, f"no answer at {host}:{environment[PORT]}: {error!r}"
    finally:
        connection.close()


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    file = environment.get(TOKEN_FILE)
    return {"Authorization": f"Bearer {Path(file).read_text(encoding='utf-8').strip()}"} if file else {}


def main(arguments: list[str]) -> int:
    """Print the page. Returns 0 if healthy, 1 if not."""
    healthy, text = check_health(arguments[0] if arguments else "readyz", environ)
    print(text)
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
