"""Where the console listens, and under which address people open it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from services.settings.base import Section, WebAddress


def _is_listener(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f'"{text}" is no address to listen on; write host and port: "127.0.0.1:8090"')
    return text


class ConsoleSettings(Section):
    """The web console: one place for people to look and act."""

    listen: Annotated[str, AfterValidator(_is_listener)] = Field(
        default="127.0.0.1:8090", description="host and port; behind a reverse proxy keep it on loopback"
    )
    url: WebAddress | None = Field(default=None, description="the address that people open, if it differs")
