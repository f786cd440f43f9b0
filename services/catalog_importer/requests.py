"""Commands about groups: remembered, answered, and announced as what holds from now on (claims S0.3, S0.4, S0.39)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from contracts.balance import ItemChanged
from contracts.catalog import FurtherProduct, GroupRule, MappingChanged, ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested, RequestedLink
from contracts.model import Instant, Part, Uid
from contracts.operations import ApplyRequested, CommandSettled, MappingRequested
from services.accounting.mapping.effective import with_change
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.state.records import Kind, State

# Links that a person has asked for: an item without a link gets the one that was asked for (claim I15), a linked item
# its translations.


class RequestedProduct(Part):
    """The product that an item was said to be, and when."""

    product_id: int
    parent_id: int
    sku: str
    at: Instant


class RequestedTranslation(Part):
    """A further product that was to be added to an item's link, or removed from it, and when."""

    product_id: int
    parent_id: int
    sku: str
    action: Literal["add", "remove"]
    at: Instant


class RequestedTranslations(Part):
    """The last request about each further product of an item."""

    requests: tuple[RequestedTranslation, ...] = ()


class ProductGoneAt(Part):
    """When an item's product was found to be gone."""

    at: Instant


REQUESTED_LINK = Kind("asked-link", RequestedProduct)
REQUESTED_TRANSLATIONS = Kind("asked-translations", RequestedTranslations)
GONE_AT = Kind("gone", ProductGoneAt)
"""All by shop:item."""


def on_link_requested(envelope: Envelope[LinkRequested], state: State) -> None:
    """Items are to be tied to products."""
    asked = envelope.data
    for one in asked.links:
        subject = f"{asked.shop}:{one.item}"
        if one.further:
            _keep_further(subject, one, one.further, asked.asked_at, state)
        else:
            what = RequestedProduct(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, at=asked.asked_at)
            state.put(REQUESTED_LINK, subject, what)
        state.touch(subject)


def _keep_further(
    subject: str, one: RequestedLink, action: Literal["add", "remove"], at: Instant, state: State
) -> None:
    known = state.get(REQUESTED_TRANSLATIONS, subject) or RequestedTranslations()
    others = (each for each in known.requests if each.product_id != one.product_id)
    request = RequestedTranslation(
        product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, action=action, at=at
    )
    state.put(REQUESTED_TRANSLATIONS, subject, RequestedTranslations(requests=(*others, request)))


def remember_gone(event: ProductUnlinked, state: State) -> None:
    """The product is gone: who asked for it before that is not obeyed again."""
    state.put(GONE_AT, event.key, ProductGoneAt(at=event.unlinked_at))


def find_requested_link(shop: str, item: str, link: ProductLinked | None, state: State) -> ProductLinked | None:
    """The link that is to be announced now; None when nothing was asked for that is not so already."""
    subject = f"{shop}:{item}"
    if link is not None:
        return _with_translations(link, state.get(REQUESTED_TRANSLATIONS, subject) or RequestedTranslations())
    asked, gone = state.get(REQUESTED_LINK, subject), state.get(GONE_AT, subject)
    if asked is None or (gone is not None and gone.at >= asked.at):
        return None
    product = {"product_id": asked.product_id, "parent_id": asked.parent_id, "sku": asked.sku}
    return ProductLinked.model_validate(
        {"shop": shop, "item": item, "how": "mapped", "linked_at": state.now, **product}
    )


def _with_translations(link: ProductLinked, asked: RequestedTranslations) -> ProductLinked | None:
    """The link with every request carried out that is later than the last one it carries."""
    since = link.further_since
    new = [one for one in asked.requests if since is None or one.at > since]
    if not new:
        return None
    held = {one.product_id: one for one in link.further}
    for one in sorted(new, key=lambda request: request.at):
        held.pop(one.product_id, None)
        if one.action == "add" and one.product_id != link.product_id:
            held[one.product_id] = FurtherProduct(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku)
    update = {"further": tuple(held.values()), "further_since": max(one.at for one in new)}
    return link.model_copy(update=update)


NAME = "catalog-importer"
MAPPING_SUBJECT = "mapping|"
"""Before a command's id: no shop's id has such a letter."""


class ShopMapping(Part):
    """What people have commanded about the groups of a shop, by group."""

    groups: dict[Uid, GroupRule] = Field(default_factory=dict)


class GroupMember(Part):
    """What stands in a group: an item, or a folder with more in it."""

    folder: bool


SHOP_MAPPING = Kind("mappings", ShopMapping)
"""By shop."""
GROUP_MEMBER = Kind("member", GroupMember)
"""By item; found by the group that it stands in."""
REQUESTED_MAPPING = Kind("mapping-asked", MappingRequested)
"""By command, until it is answered."""


def group_commands(shop: str, state: State) -> dict[Uid, GroupRule]:
    """What people have commanded about the groups of a shop."""
    known = state.get(SHOP_MAPPING, shop)
    return known.groups if known else {}


def remember_group(item: ItemChanged, before: ItemChanged | None, state: State) -> None:
    """Note in which group an item stands, if that is news."""
    if before is None or (before.group, before.kind) != (item.group, item.kind):
        state.put(GROUP_MEMBER, item.item, GroupMember(folder=item.kind == "folder"), ref=item.group or "")


def on_mapping_requested(envelope: Envelope[MappingRequested], state: State) -> None:
    """A person wants something else to become of a group."""
    state.put(REQUESTED_MAPPING, envelope.data.command_id, envelope.data)
    state.touch(MAPPING_SUBJECT + envelope.data.command_id)


def on_command_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    """Our own answer: it is not given twice."""
    if envelope.data.service == NAME:
        state.drop(REQUESTED_MAPPING, envelope.data.command_id)


def on_mapping_changed(envelope: Envelope[MappingChanged], state: State) -> None:
    """Another rule holds for a group: what stands in it, at any depth, is decided again, and nothing else."""
    event = envelope.data
    state.put(SHOP_MAPPING, event.shop, ShopMapping(groups=with_change(group_commands(event.shop, state), event)))
    for item in _inside(event.group, state):
        state.touch(f"{event.shop}:{item}")


def _inside(group: Uid, state: State) -> Iterator[Uid]:
    level, seen = {group}, {group}
    while level:
        found = state.find_many(GROUP_MEMBER, sorted(level)).values()
        members = {uid: member for some in found for uid, member in some.items()}
        yield from (uid for uid, member in members.items() if not member.folder)
        level = {uid for uid, member in members.items() if member.folder} - seen
        seen |= level


def decide_mapping(shops: Iterable[str], subject: str, state: State) -> Decision:
    """Announce what was commanded, and answer; nothing once that is answered."""
    asked = state.get(REQUESTED_MAPPING, subject.removeprefix(MAPPING_SUBJECT))
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


# What a person has approved: a planned change of an item, by its digest. Any other change is not that one.


class ApprovedChange(Part):
    """The change that was approved, and when."""

    digest: str
    plan: str
    at: Instant


APPROVED_CHANGE = Kind("approved", ApprovedChange)
"""By shop:item."""


def on_apply_requested(envelope: Envelope[ApplyRequested], state: State) -> None:
    """A plan is to be carried out."""
    asked = envelope.data
    for change in asked.changes:
        subject = f"{asked.shop}:{change.item}"
        state.put(APPROVED_CHANGE, subject, ApprovedChange(digest=change.digest, plan=asked.plan, at=asked.asked_at))
        state.touch(subject)


def is_approved(approved: ApprovedChange | None, digest: str, link: ProductLinked | None) -> bool:
    """Whether this very change was approved, and nothing was written since."""
    if approved is None or approved.digest != digest:
        return False
    return link is None or link.written_at is None or link.written_at < approved.at
