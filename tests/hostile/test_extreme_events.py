"""No record of any topic stops a command, whatever it holds: every command with extreme events in all topics."""

from __future__ import annotations

import pytest

from contracts.envelope import Envelope, decode
from contracts.model import Event
from contracts.sample import samples
from services.demo.environment import SandboxEnvironment
from tests.hostile.davtari_commands import IN_JSON, OTHERS, SHOWING, davtari
from tests.hostile.extreme_events import extreme_events

pytestmark = [
    pytest.mark.xdist_group("hostile output"),
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("topics_in_memory"),
]


@pytest.fixture(scope="module")
def story() -> list[tuple[str, Envelope[Event]]]:
    """The golden samples, and each of them again with extreme values in every place."""
    sound = [(one.topic, decode(one.raw_headers(), one.raw_value())) for one in samples()]
    return [*sound, *extreme_events()]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("line", [*SHOWING, *OTHERS, *[f"{line} --json" for line in IN_JSON]])
async def test_a_command_answers_whatever_an_event_holds(
    line: str, made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await davtari(made, line, monkeypatch)
    assert "Traceback" not in result.stdout + result.stderr
