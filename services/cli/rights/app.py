"""`davtari rights`: users and rights on Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import Json, command, read_settings
from services.cli.rights.roles import roles
from services.cli.rights.rules import all_rules
from services.cli.rights.users import create_users
from services.cli.screen import build_table, console, print_json
from services.engine.kafka.authorization import add_rules

app = typer.Typer(no_args_is_help=True, help="Who may read and write which topic on Kafka.")


@app.command(name="show")
@command
async def rights_show(json: Json = False) -> int:
    """Show what each role may read and write."""
    found = [(role.principal, role.about, role.reads, role.writes) for role in roles()]
    if json:
        print_json([dict(zip(("user", "about", "reads", "writes"), one, strict=True)) for one in found])
        return 0
    rows = [(user, ", ".join(reads), ", ".join(writes) or "-") for user, _, reads, writes in found]
    console.print(build_table(("user", "reads", "writes"), rows))
    return 0


@app.command(name="apply")
@command
async def rights_apply() -> int:
    """Add the rights of every role to Kafka, as its administrator. Takes no right away; safe to repeat.

    The settings name the administrator, or DAVTARI__KAFKA__USER_NAME and DAVTARI__KAFKA__PASSWORD_FILE do.
    """
    kafka = read_settings().kafka
    rules = all_rules(kafka.topic_prefix)
    await add_rules(kafka, rules)
    console.print_lines(f"{len(rules)} rules for {len(roles())} users are in force, for topics {kafka.topic_prefix}*")
    return 0


@app.command(name="users")
@command
async def rights_users(
    folder: Annotated[Path, typer.Argument(help="Where the passwords and the files for the broker are written.")],
) -> int:
    """Create a password for each Kafka user that has none, and the files from which a broker knows them."""
    new = create_users(folder)
    console.print_lines(f"{len(new)} users created in {folder}" + (f": {', '.join(new)}" if new else ""))
    return 0
