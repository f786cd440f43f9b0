"""Which dead letters a command acts on: those that are named by id, or the open ones that the filters choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.dead_letters.choice import Choice
from services.cli.dead_letters.options import chosen
from services.settings import Settings


async def selected(
    settings: Settings, verb: str, ids: Sequence[str], wanted: Choice, *, every: bool
) -> list[DeadLetter]:
    """The letters that a command (`verb`) acts on, each once; a dry run shows the same. Raises `WrongUse`.

    One record may have made several letters, one for each service that could not handle it: naming one of them means
    all that are open.
    """
    if ids and (every or wanted.chooses):
        raise InvalidArgument("name dead letters by id, or choose them with --all, --reason-code, --flow …: not both")
    if ids:
        there = await read_dead_letters(settings.kafka)
        named = [find_dead_letter(there, id_) for id_ in ids]
        return _once([*named, *(other for one in named for other in same_record(one, there.values()))])
    if not (every or wanted.chooses):
        raise InvalidArgument(f"which ones? davtari dead-letters {verb} ID, or --reason-code CODE, --order N, --all …")
    return [one for one in await chosen(settings, wanted) if one.open]


def same_record(letter: DeadLetter, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """The open letters of other services about the record of this one."""
    place = _place(letter)
    return [one for one in letters if one.open and place and _place(one) == place and one.id != letter.id]


def _place(letter: DeadLetter) -> tuple[str, int, int] | None:
    record = letter.letter.record
    return (record.topic, record.partition, record.offset) if record else None


def _once(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return list({one.letter.dead_letter: one for one in letters}.values())
