"""What stands between us and WooCommerce, told by what was answered: for messages of lanes, and for `davtari check`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

import httpx

from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.connectors.http.descriptions import beginning, described
from services.connectors.http.voice import Explanation
from services.connectors.woocommerce.answers import (
    ErrorBody,
    NoAnswer,
    decoded,
    error_body,
    has_php_output,
    is_record_like,
    sentence,
)

DENIED = (401, 403)
_LONGEST = 20_000
_MAINTENANCE = re.compile(
    r"scheduled maintenance|maintenance mode|under maintenance|<title>[^<]*maintenance|техническ\w+ (работ|обслуживан)",
    re.IGNORECASE,
)
_WORDPRESS_WISH = "600"
"""The Retry-After of WordPress's own maintenance page, whatever language it is in (source)."""
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
class Answer:
    """An answer that is not what was asked for."""

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
    def of_woocommerce(self) -> bool:
        """Whether WooCommerce itself states an error."""
        return self.error is not None and self.error.code.startswith(_WOOCOMMERCE)


def explain(shop: str, response: httpx.Response) -> Explanation:
    """What an answer is in words with its first characters, what ends the trouble, and the reason code of its cause."""
    answer = Answer(response)
    found = cause(answer)
    return Explanation(_words(answer), fix_of(found, shop) if found else "", found)


def fix_of(reason: Reason, shop: str) -> str:
    """Cause and fix of a reason code for one shop, as sentences."""
    wording = text_of(reason)
    return f"{wording.cause} {wording.fix} ({reason})".replace("shops.SHOP.", f"shops.{shop}.")


def cause(answer: Answer) -> Reason | None:
    """The cause that an answer shows; None when it shows none."""
    return next((reason for reason, shows in _SIGNS if shows(answer)), None)


def error_in(response: httpx.Response) -> ErrorBody | None:
    """WordPress's own error body; None for whatever else was answered."""
    try:
        return error_body(decoded(response).value)
    except NoAnswer:
        return None


def _maintenance(answer: Answer) -> bool:
    if answer.status != httpx.codes.SERVICE_UNAVAILABLE:
        return False
    wish = answer.response.headers.get("retry-after")
    died = answer.error is not None and answer.error.code == "wp_die"
    return died or wish == _WORDPRESS_WISH or _MAINTENANCE.search(answer.text) is not None


def _closed(answer: Answer) -> bool:
    return answer.status in DENIED and answer.error is not None and not answer.of_woocommerce


def _key_refused(answer: Answer) -> bool:
    return answer.status in DENIED and answer.of_woocommerce


def _asks_password(answer: Answer) -> bool:
    return answer.status == httpx.codes.UNAUTHORIZED and "www-authenticate" in answer.response.headers


def _protected(answer: Answer) -> bool:
    if answer.error is not None or answer.response.is_redirect:
        return False
    if any(name in answer.response.headers for name in _PROTECTION_HEADERS):
        return True
    return answer.status in _OF_PROTECTIONS or _PROTECTION.search(answer.text) is not None


_OF_PROTECTIONS = frozenset({401, 403, 405, 406, 409, 410, 415, 418, 451})
"""WooCommerce says these only in its own words; hosts and firewalls answer them to calls that they do not like."""


def _elsewhere(answer: Answer) -> bool:
    return answer.status == httpx.codes.NOT_FOUND and not answer.of_woocommerce


def _foreign(answer: Answer) -> bool:
    return answer.error is None and answer.status < httpx.codes.INTERNAL_SERVER_ERROR


_SIGNS: tuple[tuple[Reason, Callable[[Answer], bool]], ...] = (
    (Reason.SHOP_MAINTENANCE, _maintenance),
    (Reason.SHOP_REDIRECTED, lambda answer: answer.response.is_redirect),
    (Reason.SHOP_KEY_REFUSED, _key_refused),
    (Reason.SHOP_REST_CLOSED, _closed),
    (Reason.SHOP_PHP_OUTPUT, lambda answer: has_php_output(answer.text)),
    (Reason.SHOP_SITE_PASSWORD, _asks_password),
    (Reason.SHOP_PROTECTED, _protected),
    (Reason.SHOP_ADDRESS_WRONG, _elsewhere),
    (Reason.SHOP_FOREIGN_ANSWER, _foreign),
)
"""The first that holds is the cause."""


def _words(answer: Answer) -> str:
    words = described(answer.response)
    if answer.error is not None:
        words = f"HTTP {answer.status} {answer.error.code}: {sentence(answer.error)}"
    if answer.response.is_redirect:
        return words + _address_to_write(answer.response)
    return f'{words} with "{shown}"' if (shown := _shown(answer, words)) else words


def _shown(answer: Answer, words: str) -> str:
    """The first characters of a body, where they may be shown and nothing of it is said yet."""
    if has_php_output(answer.text):
        return beginning(answer.text)
    said = answer.error is not None or '"' in words
    return "" if said or is_record_like(answer.text) else beginning(answer.text)


def _address_to_write(response: httpx.Response) -> str:
    """The shop's address as it should stand in the settings, where a redirect keeps the rest of the path."""
    asked = response.request.url
    to = urlsplit(str(asked.join(response.headers["location"])))
    _, api, rest = asked.path.partition("/wp-json")
    tail = api + rest
    if api and to.path.rstrip("/").endswith(tail.rstrip("/")):
        home = to.path.rstrip("/").removesuffix(tail.rstrip("/"))
        return f': write url = "{to.scheme}://{to.netloc}{home}"'
    return f"{to.path}"
