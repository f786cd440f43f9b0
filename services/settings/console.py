"""Where the console is served, and how long people stay signed in."""

from __future__ import annotations

from pydantic import Field

from services.settings.base import Section, WebAddress


class ConsoleSettings(Section):
    """The pages for people. They are served on this machine only; a web server with HTTPS is put in front of them."""

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    url: WebAddress | None = Field(default=None, description="the address that people open, if it differs")
    session_hours: float = Field(default=12.0, gt=0, le=720, description="after which everybody signs in again")
    idle_minutes: float = Field(default=60.0, gt=0, description="without a request, after which a session ends")

    @property
    def address(self) -> str:
        """The address that people open, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return self.address.startswith("https://")
