"""`python -m ops.acl` writes `ops/acl/acls.sh`; `--check` writes nothing and exits 1 if it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from ops.acl.script import script
from services.cli.rights.roles import roles

FILE = Path(__file__).with_name("acls.sh")


def main(arguments: list[str], file: Path = FILE) -> int:
    """The command; gives its exit code."""
    wanted = script(roles())
    if "--check" in arguments:
        current = file.exists() and file.read_text(encoding="utf-8") == wanted
        print(f"{file.name} is {'current' if current else 'stale: python -m ops.acl'}")
        return 0 if current else 1
    file.write_text(wanted, encoding="utf-8")
    file.chmod(0o755)
    print(f"{file.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
