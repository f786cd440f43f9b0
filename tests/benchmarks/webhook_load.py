"""`python -m tests.benchmarks.webhook_load PORT COUNT CONNECTIONS RATE`: sends signed deliveries and times the answers.

RATE is deliveries per second, 0 for as fast as they are answered. Prints JSON: the seconds that all took, how many were
answered with 200, and the milliseconds within which 50 and 99 of 100 were answered.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
import time
from base64 import b64encode
from collections.abc import Iterator

from tests.benchmarks.webhook_server import SECRET

SIZE = 1500
PATIENCE = 30.0


def requests(count: int) -> list[bytes]:
    """Deliveries about different orders, ready to be sent."""
    return [_request(json.dumps({"id": 1000 + n, "note": "x" * SIZE}).encode()) for n in range(count)]


def _request(body: bytes) -> bytes:
    signature = b64encode(hmac.digest(SECRET, body, "sha256"))
    head = b"POST /webhooks/main HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/json\r\n"
    return head + b"x-wc-webhook-signature: %b\r\ncontent-length: %d\r\n\r\n" % (signature, len(body)) + body


class Load:
    """What came of the load."""

    def __init__(self, port: int, rate: float) -> None:
        self._port, self._rate = port, rate
        self.stored = 0
        self.waits: list[float] = []

    async def run(self, ready: list[bytes], connections: int) -> dict[str, float]:
        """Send everything over so many connections."""
        opened = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(connections)]
        begun = time.perf_counter()
        due = ((begun + n / self._rate if self._rate else 0.0, request) for n, request in enumerate(ready))
        await asyncio.wait_for(asyncio.gather(*[self._send(*pair, due) for pair in opened]), PATIENCE)
        seconds = time.perf_counter() - begun
        for _, writer in opened:
            writer.close()
        waits = sorted(self.waits)
        return {
            "seconds": seconds,
            "stored": self.stored,
            "p50_ms": waits[len(waits) // 2] * 1000,
            "p99_ms": waits[len(waits) * 99 // 100] * 1000,
        }

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, due: Iterator[tuple[float, bytes]]
    ) -> None:
        for at, request in due:
            if at:
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
            begun = time.perf_counter()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
            self.waits.append(time.perf_counter() - begun)
            self.stored += answer.startswith(b"HTTP/1.1 200")


def main(port: str, count: str, connections: str, rate: str) -> None:
    """Print what came of the load."""
    found = asyncio.run(Load(int(port), float(rate)).run(requests(int(count)), int(connections)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
