"""Who is let in: HTTP Basic, rights per resource and publication, and the quirk about Content-Type on GET."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from services.sandbox.balance.address import Address
from services.sandbox.balance.errors import Turned
from services.sandbox.balance.settings import BalanceSandboxSettings, Rights


def admit(request: Request, address: Address, settings: BalanceSandboxSettings) -> None:
    """Lets a request pass. Raises `Turned`: 401 for a wrong user or password, 403 for a missing right."""
    if credentials(request.headers.get("Authorization", "")) != (settings.rights.user_name, settings.rights.password):
        raise Turned(401, "Wrong user name or password", {"WWW-Authenticate": 'Basic realm="Balance"'})
    if settings.dialect.content_type_on_get == "forbidden" and request.method == "GET":
        refuse_content_type(request)
    if forbidden(request.method, address, settings.rights):
        raise Turned(403, f"The user has no right to {request.method} {address.resource}")


def credentials(header: str) -> tuple[str, str] | None:
    """User name and password of a Basic header in UTF-8, where names may be Georgian; None when it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def refuse_content_type(request: Request) -> None:
    """API fact: some publications answer 403 to a GET that carries a Content-Type."""
    if "Content-Type" in request.headers:
        raise Turned(403, "Forbidden")


def forbidden(method: str, address: Address, rights: Rights) -> bool:
    """Whether the user may not do this, or not under this publication (API fact: ItemsSeries 403 under `o`)."""
    if rights.forbidden & {address.resource, f"{method} {address.resource}"}:
        return True
    wanted = rights.only_under.get(address.resource)
    return wanted is not None and address.publication not in ("", wanted)
