"""Whom a cause concerns: the recipients of the role that mends it; all of them where nobody has that role."""

from __future__ import annotations

from collections.abc import Mapping

from services.alerts.cause import Cause
from services.settings.alerts import RecipientSettings


def recipients(cause: Cause, known: Mapping[str, RecipientSettings]) -> Mapping[str, RecipientSettings]:
    """Who is told, by name: nothing goes to nobody."""
    concerned = {name: one for name, one in known.items() if cause.owner in one.roles}
    return concerned or known
