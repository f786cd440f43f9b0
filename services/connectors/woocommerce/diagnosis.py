"""Finds the cause of a failed call from its answer, for messages of lanes and for `davtari check`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

import httpx

from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.connectors.http.responses import Explanation, describe_response, excerpt
from services.connectors.woocommerce.answers import (
    ErrorBody,
    NotAnAnswer,
    decode,
    format_error,
    has_php_output,
    is_record_like,
    read_error_body,
)

DENIED = (401, 403)
_LONGEST = 20_000
_MAINTENANCE = re.compile(
    r"scheduled maintenance|maintenance mode|under maintenance|<title>[^<]*maintenance|техническ\w+ (работ|обслуживан)",
    re.IGNORECASE,
)
_MAINTENANCE_RETRY_AFTER = "600"
"""The Retry-After of WordPress's own maintenance page, in any language (WooCommerce fact 9)."""
_PROTECTION = re.compile(
    r"bot[- ]?protection|protection against bots|captcha|are (you )?(a )?human|not a robot|checking (if )?your browser|"
    r"just a moment\.\.\.|attention required|cf-chl|challenge-platform|cloudflare|imunify360|wordfence|sucuri|"
    r"incapsula|ddos|datadome|mod_security|modsecurity|firewall|request blocked|has been blocked|"
    r"access (is |was |has been )?denied|you don.t have permission|whitelist|unusual (activity|traffic)|"
    r"security (check|policy|rule|service|plugin)",
    re.IGNORECASE,
)
_PROTECTION_HEADERS = (
    "cf-mitigated", "sg-captcha", "x-sucuri-block", "x-iinfo", "x-datadome", "x-amzn-waf-action", "x-ddos-protection",
)  # fmt: skip
_WOOCOMMERCE = "woocommerce_"


@dataclass(frozen=True)
class FailedAnswer:
    """An answer that is not the requested one."""

    response: httpx.Response = field(repr=False)

    @cached_property
    def status(self) -> int:
        """Its HTTP status."""
        return self.response.status_code

    @cached_property
    def text(self) -> str:
        """The beginning of its body."""
        return self.response.content[:_LONGEST].decode("utf-8", "replace").lstrip("\ufeff")

    @cached_property
    def error(self) -> ErrorBody | None:
        """WordPress's own error, if it is one."""
        return error_in(self.response)

    @property
    def is_from_woocommerce(self) -> bool:
        """Whether WooCommerce itself states an error."""
        return self.error is not None and self.error.code.startswith(_WOOCOMMERCE)


def explain(shop: str, response: httpx.Response) -> Explanation:
    """Describe an answer with its first characters, the fix, and the reason code of its cause."""
    answer = FailedAnswer(response)
    found = find_cause(answer)
    return Explanation(_describe(answer), fix_of(found, shop) if found else "", found)


def fix_of(reason: Reason, shop: str) -> str:
    """Cause and fix of a reason code for one shop, as sentences."""
    wording = text_of(reason)
    return f"{wording.cause} {wording.fix} ({reason})".replace("shops.SHOP.", f"shops.{shop}.")


def find_cause(answer: FailedAnswer) -> Reason | None:
    """The cause that an answer shows; None if it shows none."""
    return next((reason for reason, matches in _CAUSES if matches(answer)), None)


def error_in(response: httpx.Response) -> ErrorBody | None:
    """WordPress's own error body; None for any other answer."""
    try:
        return read_error_body(decode(response).value)
    except NotAnAnswer:
        return None


def _is_maintenance(answer: FailedAnswer) -> bool:
    if answer.status != httpx.codes.SERVICE_UNAVAILABLE:
        return False
    retry_after = answer.response.headers.get("retry-after")
    died = answer.error is not None and answer.error.code == "wp_die"
    return died or retry_after == _MAINTENANCE_RETRY_AFTER or _MAINTENANCE.search(answer.text) is not None


def _is_rest_closed(answer: FailedAnswer) -> bool:
    return answer.status in DENIED and answer.error is not None and not answer.is_from_woocommerce


def _is_key_refused(answer: FailedAnswer) -> bool:
    return answer.status in DENIED and answer.is_from_woocommerce


def _asks_password(answer: FailedAnswer) -> bool:
    return answer.status == httpx.codes.UNAUTHORIZED and "www-authenticate" in answer.response.headers


def _is_protected(answer: FailedAnswer) -> bool:
    if answer.error is not None or answer.response.is_redirect:
        return False
    if any(name in answer.response.headers for name in _PROTECTION_HEADERS):
        return True
    return answer.status in _PROTECTION_STATUSES or _PROTECTION.search(answer.text) is not None


_PROTECTION_STATUSES = frozenset({401, 403, 405, 406, 409, 410, 415, 418, 451})
"""WooCommerce uses these only with its own error body; hosts and firewalls use them to refuse calls."""


def _is_elsewhere(answer: FailedAnswer) -> bool:
    return answer.status == httpx.codes.NOT_FOUND and not answer.is_from_woocommerce


def _is_foreign(answer: FailedAnswer) -> bool:
    return answer.error is None and answer.status < httpx.codes.INTERNAL_SERVER_ERROR


_CAUSES: tuple[tuple[Reason, Callable[[FailedAnswer], bool]], ...] = (
    (Reason.SHOP_MAINTENANCE, _is_maintenance),
    (Reason.SHOP_REDIRECTED, lambda answer: answer.response.is_redirect),
    (Reason.SHOP_KEY_REFUSED, _is_key_refused),
    (Reason.SHOP_REST_CLOSED, _is_rest_closed),
    (Reason.SHOP_PHP_OUTPUT, lambda answer: has_php_output(answer.text)),
    (Reason.SHOP_SITE_PASSWORD, _asks_password),
    (Reason.SHOP_PROTECTED, _is_protected),
    (Reason.SHOP_ADDRESS_WRONG, _is_elsewhere),
    (Reason.SHOP_FOREIGN_ANSWER, _is_foreign),
)
"""The first match is the cause."""


def _describe(answer: FailedAnswer) -> str:
    text = describe_response(answer.response)
    if answer.error is not None:
        text = f"HTTP {answer.status} {answer.error.code}: {format_error(answer.error)}"
    if answer.response.is_redirect:
        return text + _suggest_url(answer.response)
    return f'{text} with "{shown}"' if (shown := _select_excerpt(answer, text)) else text


def _select_excerpt(answer: FailedAnswer, text: str) -> str:
    """The first characters of a body, if they may be shown and the text does not describe the body yet."""
    if has_php_output(answer.text):
        return excerpt(answer.text)
    described = answer.error is not None or '"' in text
    return "" if described or is_record_like(answer.text) else excerpt(answer.text)


def _suggest_url(response: httpx.Response) -> str:
    """The URL to write into the settings, if a redirect keeps the rest of the path; else the path that it leads to."""
    asked = response.request.url
    to = urlsplit(str(asked.join(response.headers["location"])))
    _, api, rest = asked.path.partition("/wp-json")
    tail = api + rest
    if api and to.path.rstrip("/").endswith(tail.rstrip("/")):
        home = to.path.rstrip("/").removesuffix(tail.rstrip("/"))
        return f': write url = "{to.scheme}://{to.netloc}{home}"'
    return f"{to.path}"
