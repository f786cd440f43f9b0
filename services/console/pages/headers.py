"""Headers of every answer: nothing is loaded from elsewhere, nothing is embedded, nothing personal is kept."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("style", "script", "img", "font", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
KEPT = "public, max-age=31536000, immutable"
ONLY_ENCRYPTED = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Adds the headers to the answers of an application. Only files with a digest in their address may be kept."""

    def __init__(self, app: ASGIApp, *, encrypted: bool) -> None:
        self._app, self._encrypted = app, encrypted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope, message["status"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, scope: Scope, status: int) -> None:
        headers.update(HEADERS)
        is_kept = scope["path"].startswith("/static/") and scope["query_string"].startswith(b"v=") and status == 200
        headers["cache-control"] = KEPT if is_kept else "no-store"
        if self._encrypted:
            headers["strict-transport-security"] = ONLY_ENCRYPTED
