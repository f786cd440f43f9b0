"""On upgrade the settings say where unsigned records end; services obey them below it, and only there."""

from __future__ import annotations

import pytest

from contracts.sample import samples
from services.cli.command_keys import KEY_FILE, PUBLIC_KEY_FILE, describe, missing_settings
from services.settings.commands import CommandSettings
from tests.kafka.topics import Topics
from tests.support.signing import with_keys


@pytest.mark.kafka
@pytest.mark.claim("K34")
async def test_on_upgrade_the_settings_say_where_unsigned_records_end(topics: Topics) -> None:
    # given topics with two commands from before commands were signed
    await topics.create("operations", "commands")
    earlier = next(one for one in samples() if one.name == "ApprovalGiven.v1")
    for _ in range(2):
        await topics.put("operations", earlier.key.encode(), earlier.raw_value(), earlier.raw_headers())
    unset = with_keys(topics.settings).model_copy(update={"commands": CommandSettings()})
    # when the operator asks what is missing, then it is the keys and the offsets
    missing = await missing_settings(unset)
    assert missing == {
        "key-file": KEY_FILE, "public-key-file": PUBLIC_KEY_FILE, "unsigned-before": {"operations": [2]},
    }  # fmt: skip
    assert '"operations" = [2]' in describe(created=True, missing=missing)
    # and once a signed command is there, nothing
    now = next(one for one in samples() if one.name == "ApprovalGiven.v2")
    await topics.put("commands", now.key.encode(), now.raw_value(), now.raw_headers())
    assert await missing_settings(with_keys(topics.settings)) == {}
