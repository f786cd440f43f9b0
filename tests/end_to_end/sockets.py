"""The TCP ports on which a process listens, as Linux reports them."""

from __future__ import annotations

from pathlib import Path

LISTEN = "0A"
"""The state of a listening socket in `/proc/net/tcp`."""


def list_listening_ports(pid: int) -> set[int]:
    """The ports, over IPv4 and IPv6, on any address."""
    inodes = _socket_inodes(pid)
    rows = [line.split() for name in ("tcp", "tcp6") for line in _table(pid, name)]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN and row[9] in inodes}


def _socket_inodes(pid: int) -> set[str]:
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}


def _table(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]
