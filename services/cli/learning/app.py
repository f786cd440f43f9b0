"""`davtari learn-sale`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.learning.template import Learned, learned, toml
from services.cli.screen import build_table, console, errors, print_json
from services.connectors.balance.client import Balance


@command
async def learn_sale_command(
    uid: Annotated[str, typer.Argument(help="The uid of a Sale that was made by hand in Balance.")],
    shop: Shop = "",
    json: Json = False,
) -> int:
    """Read a hand-made Sale and propose the settings that make ours like it. Writes nothing."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        row = await balance.sale(uid)
    if row is None:
        errors.print(f"Balance has no {chosen.balance.dialect.sale_resource} with the uid {uid}")
        return FAILED
    found = learned(row, chosen, name)
    print_json({"settings": [asdict(one) for one in found], "toml": toml(found)}) if json else show(found)
    return 0


def show(found: Sequence[Learned]) -> None:
    """Print what differs from the settings, then all of it as TOML to paste."""
    different = [
        (f"{one.table}.{one.key}", one.now or "not set", one.found, one.remark) for one in found if one.differs
    ]
    if different:
        console.print(build_table(("setting", "now", "in that Sale", ""), different))
    else:
        console.print("The settings say what that Sale says.")
    console.print(f"\n{toml(found)}", markup=False, soft_wrap=True)
