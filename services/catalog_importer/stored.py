"""What stands in the shop after a write, where it took a text in another form than was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.catalog import StoredOtherwise
from services.catalog_importer.pictures import with_ids
from services.catalog_importer.placement import Change
from services.connectors.woocommerce.batch import Stored
from services.connectors.woocommerce.echo import Difference
from services.connectors.woocommerce.read import Odd

KEPT_AS_STORED = ("name", "weight")
"""What the shop made of them is what we wrote: else they would look like an edit by hand from now on."""


def as_stored(change: Change, stored: Stored, minor: Sequence[Difference]) -> Change:
    """The change as the shop has stored it, with what it stored in another form."""
    kept = [one for one in minor if one.field in KEPT_AS_STORED and not isinstance(one.value, Odd)]
    fields = {one.field: one.value for one in kept}
    written = change.written.model_copy(update=fields)
    found = tuple(StoredOtherwise(field=one.field, sent=one.meant, stored=one.stored) for one in minor)
    return with_ids(replace(change, written=written, stored_otherwise=found), stored.json)
