"""Trust: certificates are checked, unless a person opted out in the settings."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import httpx

from services.settings.load import SettingsError

log = logging.getLogger(__name__)


def tls_context(upstream: str, *, ca_file: Path | None = None, verify: bool = True) -> ssl.SSLContext:
    """The TLS context for an upstream: the public authorities, and those of `ca_file` besides.

    `verify=False` trusts anyone; it is logged at every start. Raises `SettingsError` when `ca_file` cannot be used.
    """
    if not verify:
        log.warning("%s: TLS certificates are NOT checked (verify-tls = false); passwords can be stolen", upstream)
        return httpx.create_ssl_context(verify=False)
    context = httpx.create_ssl_context()
    if ca_file is not None:
        _trust(context, upstream, ca_file)
    return context


def _trust(context: ssl.SSLContext, upstream: str, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{upstream}: ca-file {ca_file} holds no usable certificate in PEM form ({error})"
        ) from None
