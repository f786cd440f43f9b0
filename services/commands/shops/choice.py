"""Which shop a command is about."""

from __future__ import annotations

from typing import Annotated

import typer

from services.shared.settings import SettingsError
from services.shared.settings.model import Settings

Shop = Annotated[str, typer.Option(help="The shop; needed when the settings name several.")]


def chosen_shop(chosen: Settings, shop: str) -> str:
    """The shop of an option, or the only one. Raises `SettingsError`."""
    if shop in chosen.shops:
        return shop
    if not shop and len(chosen.shops) == 1:
        return next(iter(chosen.shops))
    raise SettingsError(f"choose one of the shops with --shop: {', '.join(chosen.shops)}")
