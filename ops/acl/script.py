"""The rights as a shell script of Kafka's own commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.cli.rights.grants import Grant, grants
from services.cli.rights.roles import RESTRICTED, Role

HEAD = f"""\
#!/usr/bin/env bash
# Who may read and write which topic of Davtari. Generated: python -m ops.acl
# It adds rules and takes none away; `davtari rights apply` adds the same ones, without the quotas. It needs a cluster
# with an authorizer and authenticated clients, and Kafka's commands on the PATH.
# For services and the operator only, {", ".join(RESTRICTED)}:
# commands move the books, dead letters hold failed records as they were.
set -euo pipefail

KAFKA=${{KAFKA:-127.0.0.1:9092}}
PREFIX=${{PREFIX:-davtari.}}
ADMIN=${{ADMIN:-admin.properties}} # how the administrator connects

allow() {{
    kafka-acls --bootstrap-server "$KAFKA" --command-config "$ADMIN" \\
        --add --allow-principal "User:$1" "${{@:2}}"
}}
limit() {{
    kafka-configs --bootstrap-server "$KAFKA" --command-config "$ADMIN" --alter \\
        --entity-type users --entity-name "$1" --add-config "consumer_byte_rate=$2"
}}
"""


def script(roles: Iterable[Role]) -> str:
    """The whole script."""
    return HEAD + "".join(f"\n{block}\n" for block in map(_block, roles))


def _block(role: Role) -> str:
    rate = [f"limit {role.principal} {role.byte_rate}"] if role.byte_rate else []
    return "\n".join([f"# {role.about}", *map(_allow, grants(role)), *rate])


def _allow(grant: Grant) -> str:
    return " \\\n    ".join([f"allow {grant.principal}", *_arguments(grant)])


def _arguments(grant: Grant) -> Iterator[str]:
    yield " ".join(f"--operation {operation}" for operation in grant.operations)
    yield from (f"--{grant.resource} {_name(name)}" for name in grant.names)
    yield f"--resource-pattern-type {grant.pattern}"


def _name(name: str) -> str:
    return f'"${{PREFIX}}{name[1:]}"' if name.startswith("@") else name
