"""An alert by e-mail shows names as they are: no HTML of others, no line that only looks like ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_string, policy

import pytest
from pydantic import SecretStr

from contracts.reasons import Reason
from services.alerts.cause import AlertCause, AlertIssue
from services.alerts.deliveries import RecipientAddress
from services.alerts.message import compose_open
from tests.hostile.hostile_events import HOSTILE
from tests.support.memory_state import NOON

ANSWERS = {"EHLO": "250 OK", "MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 go on", "QUIT": "221 bye"}


@asynccontextmanager
async def mail_server(mails: list[str], listening: socket.socket) -> AsyncIterator[None]:
    """A mail server on loopback that keeps what it gets."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode():
            command = line[:4].upper().strip()
            writer.write(f"{ANSWERS.get(command, '250 OK')}\r\n".encode())
            if command == "DATA":
                mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 OK\r\n")
        writer.close()

    async with await asyncio.start_server(talk, sock=listening):
        yield


@pytest.mark.parametrize("form", ["", "&format=html"], ids=["as the address says", "HTML"])
async def test_names_in_a_mail_are_text(form: str) -> None:
    mails: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    message = compose_open(
        AlertCause(Reason.SALE_ITEM_NOT_LINKED, "main"),
        [AlertIssue(cause="1", about=HOSTILE, since=NOON)],
        "opened",
        "en",
    )
    async with mail_server(mails, listening):
        address = RecipientAddress(
            "owner", SecretStr(f"mailto://127.0.0.1:{port}?from=a@b.test&to=c@d.test&mode=insecure{form}")
        )
        assert await address.send(message, "id")
    parts = [part for part in message_from_string(mails[0], policy=policy.default).walk() if not part.is_multipart()]
    for part in parts:
        text = part.get_content()
        assert "\\u202e" in text
        assert not any(char in text for char in "\x1b\u202e\u2028")
        assert ("<script" in text) == (part.get_content_type() == "text/plain")
    assert any(part.get_content_type() == ("text/html" if form else "text/plain") for part in parts)
