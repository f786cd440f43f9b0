"""The stand-in's own process: librdkafka's mock cluster, which lives inside a producer of the confluent-kafka wheel."""

from __future__ import annotations

import sys

from confluent_kafka import Producer

ANSWER_SECONDS = 10.0


def main() -> None:
    """Print the address, then serve until stdin closes, that is until whoever started us has ended."""
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 4})
    members = cluster.list_topics(timeout=ANSWER_SECONDS).brokers.values()
    print(",".join(f"{member.host}:{member.port}" for member in members), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
