"""Commands about groups: remembered, answered, and announced as what holds from now on (claims S0.3, S0.4, S0.39)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from contracts.balance import ItemChanged
from contracts.catalog import GroupRule, MappingChanged
from contracts.envelope import Envelope
from contracts.model import Part, Uid
from contracts.operations import CommandSettled, MappingRequested
from services.accounting.mapping.effective import with_change
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.state.records import Kind, State

NAME = "catalog-importer"
SUBJECT = "mapping|"
"""Before a command's id: no shop's id has such a letter."""


class Mappings(Part):
    """What people have commanded about the groups of a shop, by group."""

    groups: dict[Uid, GroupRule] = Field(default_factory=dict)


class Member(Part):
    """What stands in a group: an item, or a folder with more in it."""

    folder: bool


MAPPINGS = Kind("mappings", Mappings)
"""By shop."""
MEMBER = Kind("member", Member)
"""By item; found by the group that it stands in."""
ASKED = Kind("mapping-asked", MappingRequested)
"""By command, until it is answered."""


def commanded(shop: str, state: State) -> dict[Uid, GroupRule]:
    """What people have commanded about the groups of a shop."""
    known = state.get(MAPPINGS, shop)
    return known.groups if known else {}


def keep_member(item: ItemChanged, before: ItemChanged | None, state: State) -> None:
    """Note in which group an item stands, if that is news."""
    if before is None or (before.group, before.kind) != (item.group, item.kind):
        state.put(MEMBER, item.item, Member(folder=item.kind == "folder"), ref=item.group or "")


def mapping_requested(envelope: Envelope[MappingRequested], state: State) -> None:
    """A person wants something else to become of a group."""
    state.put(ASKED, envelope.data.command_id, envelope.data)
    state.touch(SUBJECT + envelope.data.command_id)


def command_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    """Our own answer: it is not given twice."""
    if envelope.data.service == NAME:
        state.drop(ASKED, envelope.data.command_id)


def mapping_changed(envelope: Envelope[MappingChanged], state: State) -> None:
    """Another rule holds for a group: what stands in it, at any depth, is decided again, and nothing else."""
    event = envelope.data
    state.put(MAPPINGS, event.shop, Mappings(groups=with_change(commanded(event.shop, state), event)))
    for item in _inside(event.group, state):
        state.touch(f"{event.shop}:{item}")


def _inside(group: Uid, state: State) -> Iterator[Uid]:
    level, seen = {group}, {group}
    while level:
        found = state.find_many(MEMBER, sorted(level)).values()
        members = {uid: member for some in found for uid, member in some.items()}
        yield from (uid for uid, member in members.items() if not member.folder)
        level = {uid for uid, member in members.items() if member.folder} - seen
        seen |= level


def decide_mapping(shops: Iterable[str], subject: str, state: State) -> Decision:
    """Announce what was commanded, and answer; nothing once that is answered."""
    asked = state.get(ASKED, subject.removeprefix(SUBJECT))
    if asked is None:
        return NOTHING
    if asked.shop not in shops:
        return Decision(announce=(_answer(asked, "refused", f"the settings name no shop {asked.shop}", state),))
    changed = MappingChanged(
        shop=asked.shop,
        group=asked.group,
        rule=asked.rule,
        command_id=asked.command_id,
        changed_by=asked.asked_by,
        changed_at=asked.asked_at,
    )
    return Decision(announce=(changed, _answer(asked, "done", f"group {asked.group}: saved", state)))


def _answer(asked: MappingRequested, outcome: str, detail: str, state: State) -> CommandSettled:
    return CommandSettled.model_validate(
        {
            "command_id": asked.command_id,
            "service": NAME,
            "outcome": outcome,
            "detail": detail,
            "settled_at": state.now,
        }
    )
