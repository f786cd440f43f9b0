"""Who may ask the services for something: the keys with which commands are signed and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.settings.base import Section

Offsets = tuple[Annotated[int, Field(ge=0)], ...]


class CommandSettings(Section):
    """Every command is signed (Ed25519). Whoever has the private key can act in the name of any person."""

    key_file: Path | None = Field(
        default=None, description="PEM: the private key; only where commands are given, never beside a service"
    )
    public_key_file: Path | None = Field(
        default=None, description="PEM: its public key; earlier ones below it, so that their commands count on"
    )
    unsigned_before: dict[str, Offsets] = Field(
        default_factory=dict,
        description="by topic, the offset of each partition below which nothing was signed yet and all counts; "
        "`davtari command-keys` prints it once, on upgrade",
    )
