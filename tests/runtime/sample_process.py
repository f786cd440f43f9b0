"""The sample service, wired like every other service, with deliveries over HTTP.

`python -m tests.runtime.sample_process BOOTSTRAP PREFIX FOLDER URL` runs it in a process that a test can kill.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Deliver, Lane, Row
from services.engine.outbox.outcome import Done, Outcome, Retry, Unknown
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.service import Service
from services.settings.balance import BalanceSettings
from services.settings.model import KafkaSettings, Settings, StateSettings
from services.settings.shop import ShopSettings
from tests.outbox.sample_service import LANE, NAME, availability, handlers
from tests.support.secret import use_secret_of_tests
from tests.support.signing import KEYS


def settings(kafka: KafkaSettings, folder: Path) -> Settings:
    """Settings in which only Kafka and the folder matter."""
    unused = Path("unused")
    return Settings(
        balance=BalanceSettings(application_id="1234", user_name="nobody", password_file=unused),
        shops={"main": ShopSettings(url="http://127.0.0.1:1", key_file=unused, secret_file=unused)},
        kafka=kafka,
        commands=KEYS,
        state=StateSettings(directory=folder),
    )


def blueprint(deliver: Deliver, rules: Handlers | None = None, name: str = NAME) -> Blueprint:
    """The sample service with this delivery function."""
    lane = Lane(LANE, deliver, Breaker(lambda _: 0.05), batch=1, concurrency=4)
    return Blueprint(name=name, handlers=rules or handlers(), fingerprint="", lanes=(lane,))


class ShopWriter:
    """Writes to a shop over HTTP. It reads before it writes, so that a kill between the two is harmless."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Write the items of the rows that the shop does not have."""
        return [await self._write(row) for row in rows]

    async def _write(self, row: Row) -> Outcome:
        try:
            found = await self._client.get(f"/stock/{row.key}")
            if found.status_code == 404:
                found = await self._client.post(f"/stock/{row.key}", json=row.payload)
        except httpx.ConnectError as error:
            return Retry(str(error))
        except httpx.HTTPError as error:
            return Unknown(repr(error))
        return Done((availability(row.key, row.payload["quantity"]),)) if found.is_success else Retry(str(found))


async def main(bootstrap: str, prefix: str, folder: str, url: str) -> None:
    """Run until killed; prints how many seconds it took to catch up."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix)
    async with httpx.AsyncClient(base_url=url) as client:
        service = Service(blueprint(ShopWriter(client).deliver), settings(kafka, Path(folder)))
        started = time.monotonic()
        running = asyncio.create_task(service.run())
        await asyncio.wait([running, asyncio.create_task(service.ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        print(f"{time.monotonic() - started:.2f}", flush=True)
        await running


if __name__ == "__main__":
    use_secret_of_tests()
    asyncio.run(main(*sys.argv[1:]))
