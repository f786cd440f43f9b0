"""The Kafka users of an installation, each with a password of its own, and the files from which a broker knows them."""

from __future__ import annotations

import secrets
from pathlib import Path

from services.cli.init.interview import write_secret
from services.cli.rights.roles import roles

ADMINISTRATOR = "admin"
"""May do everything: the broker itself, and whoever gives rights."""
BROKER_FILE, ADMINISTRATOR_FILE = "kafka.jaas", "admin.properties"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def create_users(folder: Path) -> list[str]:
    """Give each user that has none a password, and write the broker's list of users. Returns the new users.

    Each password is in a file with the user's name. `kafka.jaas` is for the broker
    (`java.security.auth.login.config`), `admin.properties` for Kafka's own commands.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = [ADMINISTRATOR, *[role.principal for role in roles()]]
    new = [name for name in names if not (folder / name).exists()]
    for name in new:
        write_secret(folder / name, secrets.token_urlsafe(32))
    passwords = {name: (folder / name).read_text(encoding="utf-8").strip() for name in names}
    write_secret(folder / BROKER_FILE, _broker_text(passwords))
    write_secret(folder / ADMINISTRATOR_FILE, _administrator_text(passwords[ADMINISTRATOR]))
    return new


def _broker_text(passwords: dict[str, str]) -> str:
    users = "\n".join(f'  user_{name}="{password}"' for name, password in passwords.items())
    own = f'  username="{ADMINISTRATOR}" password="{passwords[ADMINISTRATOR]}"'
    return f"KafkaServer {{\n  {LOGIN}\n{own}\n{users};\n}};"


def _administrator_text(password: str) -> str:
    return (
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        f'sasl.jaas.config={LOGIN} username="{ADMINISTRATOR}" password="{password}";'
    )
