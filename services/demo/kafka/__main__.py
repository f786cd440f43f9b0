"""`python -m services.demo.kafka STATE`: keep a broker up for other processes, which find its address in STATE."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from services.demo.kafka.keeper import keep
from services.demo.kafka.running import BrokerError


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m services.demo.kafka", description=__doc__)
    arguments.add_argument("state", type=Path, help="file for the broker's address; it goes when the broker goes")
    arguments.add_argument("--owner", type=int, default=os.getppid(), help="end with this process (default: parent)")
    arguments.add_argument("--kind", help="only this kind: given, container or archives")
    arguments.add_argument("--data", type=Path, help="folder for what the node keeps")
    wish = arguments.parse_args()
    try:
        asyncio.run(keep(wish.state, wish.owner, wish.kind, wish.data))
    except BrokerError as error:
        sys.exit(f"broker: {error}")


main()
