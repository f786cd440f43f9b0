"""Where Balance is published, and who has access: HTTP Basic and rights per resource and publication."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from starlette.requests import Request

from services.sandbox.balance.errors import PlatformRefusal
from services.sandbox.balance.settings import AccessRights, BalanceSandboxSettings


@dataclass(frozen=True)
class ExchangePath:
    """What a path names; `publication` is "" on-prem."""

    publication: str
    resource: str


def parse_path(path: str, settings: BalanceSandboxSettings) -> ExchangePath:
    """Parses a path (Balance facts 1 and 2), case-sensitively. Raises `PlatformRefusal` 404 if not published."""
    cloud = rf"/sm/(?P<publication>[oa])/Balance/{settings.application_id}(/[a-z]{{2}}_[A-Z]{{2}})?"
    base = rf"({cloud}|{re.escape(settings.on_prem_base)})"
    found = re.fullmatch(rf"{base}/hs/Exchange/(?P<resource>\w+)", path)
    if found is None:
        raise PlatformRefusal(404, f"No Exchange service is published at {path}")
    return ExchangePath(found["publication"] or "", found["resource"])


def check_access(request: Request, address: ExchangePath, settings: BalanceSandboxSettings) -> None:
    """Checks access. Raises `PlatformRefusal`: 401 for a wrong user or password, 403 for a missing right."""
    if parse_basic_header(request.headers.get("Authorization", "")) != (
        settings.rights.user_name,
        settings.rights.password,
    ):
        raise PlatformRefusal(401, "Wrong user name or password", {"WWW-Authenticate": 'Basic realm="Balance"'})
    if settings.dialect.content_type_on_get == "forbidden" and request.method == "GET":
        refuse_content_type(request)
    if is_forbidden(request.method, address, settings.rights):
        raise PlatformRefusal(403, f"The user has no right to {request.method} {address.resource}")


def parse_basic_header(header: str) -> tuple[str, str] | None:
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
    """Raises 403 for a GET with a Content-Type (Balance fact 6)."""
    if "Content-Type" in request.headers:
        raise PlatformRefusal(403, "Forbidden")


def is_forbidden(method: str, address: ExchangePath, rights: AccessRights) -> bool:
    """Whether the user may not do this, or not under this publication (Balance fact 4)."""
    if rights.forbidden & {address.resource, f"{method} {address.resource}"}:
        return True
    wanted = rights.only_under.get(address.resource)
    return wanted is not None and address.publication not in ("", wanted)
