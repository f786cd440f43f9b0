"""Forgetting a person, as a command asks for it: swept, decided again and answered in one transaction."""

from __future__ import annotations

from contracts.operations import CommandSettled
from services.engine.outbox.cause import kept
from services.engine.outbox.engine import Engine
from services.engine.privacy.forgetting_rules import FORGET, Forgetting
from services.engine.privacy.forgetting_sweep import Swept, holding, sweep
from services.engine.state.store import read_kind


async def forget_due(engine: Engine) -> int:
    """Forget whom commands name that were not answered yet; gives how many commands there were.

    Not before everything known at the start has been read: the answer may be among it.
    """
    asked = [(id_, Forgetting.model_validate_json(body)) async for id_, body in read_kind(engine.database, FORGET.name)]
    for command_id, wanted in asked:
        await _forget(engine, command_id, wanted)
    if asked:
        await engine.database.empty_log()
    return len(asked)


async def _forget(engine: Engine, command_id: str, asked: Forgetting) -> None:
    async with engine.work() as work:
        found = await sweep(work.connection, asked.person_ref, dry_run=asked.dry_run)
        if not asked.dry_run:
            for subject in found.subjects:
                work.touch(subject)
            await work.decide()
        leaving = len(await holding(work.connection, asked.person_ref))
        answer = CommandSettled(
            command_id=command_id,
            service=engine.rules.service,
            outcome="done",
            detail=_told(found, leaving, dry_run=asked.dry_run),
            figures={"copies": found.remembered + found.unpublished, "waiting": leaving},
            settled_at=work.now,
        )
        await work.announce([(answer, kept(asked.cause))])


def _told(found: Swept, leaving: int, *, dry_run: bool) -> str:
    count = found.remembered + found.unpublished
    if not (count or leaving):
        return "holds nothing of this person"
    verb = "would forget" if dry_run else "forgot"
    waits = f"; {leaving} deliveries that name the person still wait, and hold nothing once they are made"
    return f"{verb} {count} {'copy' if count == 1 else 'copies'} of the personal data" + (waits if leaving else "")
