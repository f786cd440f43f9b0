"""`davtari learn-sale`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from services.cli.codes import FAILED
from services.cli.frame import Json, Shop, chosen_shop, command, settings
from services.cli.learning.template import Learned, learned, toml
from services.cli.screen import as_json, console, errors, table
from services.connectors.balance.client import Balance


@command
async def learn_sale_command(
    uid: Annotated[str, typer.Argument(help="The uid of a Sale that was made by hand in Balance.")],
    shop: Shop = "",
    json: Json = False,
) -> int:
    """Read a hand-made Sale and propose the settings that make ours like it. Writes nothing."""
    chosen = settings()
    name = chosen_shop(chosen, shop)
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        row = await balance.sale(uid)
    if row is None:
        errors.print(f"Balance has no {chosen.balance.dialect.sale_resource} with the uid {uid}")
        return FAILED
    found = learned(row, chosen, name)
    as_json({"settings": [asdict(one) for one in found], "toml": toml(found)}) if json else show(found)
    return 0


def show(found: Sequence[Learned]) -> None:
    """Print what differs from the settings, then all of it as TOML to paste."""
    different = [
        (f"{one.table}.{one.key}", one.now or "not set", one.found, one.remark) for one in found if one.differs
    ]
    if different:
        console.print(table(("setting", "now", "in that Sale", ""), different))
    else:
        console.print("The settings say what that Sale says.")
    console.print(f"\n{toml(found)}", markup=False, soft_wrap=True)
