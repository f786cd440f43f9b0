"""Errors as the REST API words them."""

from __future__ import annotations

from typing import Any

HELP = (
    '<p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">'
    "Learn more about troubleshooting WordPress.</a></p>"
)


class RestError(Exception):
    """An answer with an error code; `more` goes into its `data` beside the status."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.more = more

    def body(self) -> dict[str, Any]:
        """`{"code", "message", "data": {"status", ...}}`."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.more}}


class RefundRefused(RestError):
    """A refund that was refused: always HTTP 500, its data a bare number (API fact: reference section 7)."""

    def __init__(
        self, message: str, code: str = "woocommerce_rest_cannot_create_order_refund", data: int = 500
    ) -> None:
        super().__init__(500, code, message)
        self.data = data

    def body(self) -> dict[str, Any]:
        """`{"code", "message", "data": 500}`."""
        return {"code": self.code, "message": self.message, "data": self.data}


class Crash(RestError):
    """PHP died on the request."""

    def __init__(self) -> None:
        super().__init__(500, "internal_server_error", f"<p>There has been a critical error on this website.</p>{HELP}")

    def body(self) -> dict[str, Any]:
        """The body of a PHP fatal error."""
        return {**super().body(), "additional_errors": []}


def invalid_id(code: str, status: int = 404) -> RestError:
    """An id that names nothing."""
    return RestError(status, code, "Invalid ID.")


def no_route() -> RestError:
    """A path or method that WordPress does not know."""
    return RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


def not_trashable() -> RestError:
    """A delete without `force=true` of something that has no trash."""
    message = "This resource does not support trashing. Set force=true to delete."
    return RestError(501, "woocommerce_rest_trash_not_supported", message)
