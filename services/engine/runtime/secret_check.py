"""Whether a state database was filled with the installation's present secret, from which the ids of people are made."""

from __future__ import annotations

from services.engine.person_ids import secret_mark
from services.engine.state.database import Database, read_meta, write_meta


class SecretChanged(Exception):
    """The state database holds ids that were made with another secret."""


async def check_secret(database: Database) -> None:
    """Raises `SecretChanged` unless this database was filled with the present secret; a new one is marked with it."""
    async with database.write() as connection:
        before = await read_meta(connection, "secret")
        if before is None:
            await write_meta(connection, "secret", secret_mark())
    if before not in (None, secret_mark()):
        raise SecretChanged("privacy.secret-file has another content than before: all ids of persons change")
