"""JSON with which protections, proxies and frameworks refuse a call; the records of neither API look like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = frozenset(
    {
        "code", "data", "description", "detail", "details", "error", "errors", "exception",
        "exceptionmessage", "exceptiontype", "instance", "message", "messagedetail", "messages", "msg", "ok",
        "path", "reason", "request_id", "requestid", "result", "stacktrace", "status", "statuscode",
        "success", "timestamp", "title", "trace", "traceid", "type", "url",
    }
)  # fmt: skip


def is_refusal(value: Mapping[str, Any]) -> bool:
    """Whether an object consists of the words of refusals alone, as `{"message": …}` and `{"success": false}`."""
    return all(key.lower() in _WORDS or key == "_links" for key in value)
