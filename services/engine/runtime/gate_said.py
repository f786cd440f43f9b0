"""What is said of a gate, and whether it is news."""

from __future__ import annotations

from datetime import timedelta

from contracts.gates import GateChecked, Verdict

TELL_AGAIN = timedelta(days=1)
"""A verdict that stands is told again after so long, so that its time stays young."""


def said(looked: GateChecked, before: GateChecked | None, *, opened: bool) -> tuple[GateChecked, bool]:
    """The event about a look, and whether it has to be told. `opened`: the gate stands open since this start.

    What passed with another connection (`about`) does not count as passed.
    """
    known = before if before is not None and before.about == looked.about else None
    verdict: Verdict = "passed" if not looked.why else "lost" if opened else "shut"
    passed_at = looked.checked_at if verdict == "passed" else known.passed_at if known else None
    same = known is not None and known.verdict == verdict
    event = looked.model_copy(
        update={"verdict": verdict, "passed_at": passed_at, "since": known.since if known and same else looked.since}
    )
    old = known is None or looked.checked_at - known.checked_at >= TELL_AGAIN
    return event, old or not same or (known is not None and known.why != event.why)
