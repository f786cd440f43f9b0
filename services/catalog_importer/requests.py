"""What people have requested: rules for groups, links of items with products, and planned changes.

- Rules for groups are stored, confirmed, and announced as the rules in force (claims S0.3, S0.4, S0.39).
- An unlinked item gets the link that was requested for it (claim I15), a linked item its translations.
- A planned change is approved by its digest: any other change of the item needs its own approval.
"""

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
from services.accounting.mapping import with_change
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.state.records import Kind, State


class RequestedProduct(Part):
    """The product requested for an item, and when."""

    product_id: int
    parent_id: int
    sku: str
    at: Instant


class RequestedTranslation(Part):
    """A further product to add to an item's link, or to remove from it, and when that was requested."""

    product_id: int
    parent_id: int
    sku: str
    action: Literal["add", "remove"]
    at: Instant


class RequestedTranslations(Part):
    """The last request for each further product of an item."""

    requests: tuple[RequestedTranslation, ...] = ()


class ProductGoneAt(Part):
    """When an item's product was found to no longer exist."""

    at: Instant


REQUESTED_LINK = Kind("asked-link", RequestedProduct)
REQUESTED_TRANSLATIONS = Kind("asked-translations", RequestedTranslations)
GONE_AT = Kind("gone", ProductGoneAt)
"""All by shop:item."""


def on_link_requested(envelope: Envelope[LinkRequested], state: State) -> None:
    """A person requests links of items with products."""
    event = envelope.data
    for one in event.links:
        subject = f"{event.shop}:{one.item}"
        if one.further:
            _store_translation(subject, one, one.further, event.asked_at, state)
        else:
            what = RequestedProduct(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, at=event.asked_at)
            state.put(REQUESTED_LINK, subject, what)
        state.touch(subject)


def _store_translation(
    subject: str, one: RequestedLink, action: Literal["add", "remove"], at: Instant, state: State
) -> None:
    known = state.get(REQUESTED_TRANSLATIONS, subject) or RequestedTranslations()
    others = (each for each in known.requests if each.product_id != one.product_id)
    request = RequestedTranslation(
        product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, action=action, at=at
    )
    state.put(REQUESTED_TRANSLATIONS, subject, RequestedTranslations(requests=(*others, request)))


def remember_gone(event: ProductUnlinked, state: State) -> None:
    """Remember when a product disappeared: earlier requests for it are void."""
    state.put(GONE_AT, event.key, ProductGoneAt(at=event.unlinked_at))


def find_requested_link(shop: str, item: str, link: ProductLinked | None, state: State) -> ProductLinked | None:
    """Return the requested link that has to be announced; None if every request is fulfilled."""
    subject = f"{shop}:{item}"
    if link is not None:
        return _with_translations(link, state.get(REQUESTED_TRANSLATIONS, subject) or RequestedTranslations())
    requested, gone = state.get(REQUESTED_LINK, subject), state.get(GONE_AT, subject)
    if requested is None or (gone is not None and gone.at >= requested.at):
        return None
    product = {"product_id": requested.product_id, "parent_id": requested.parent_id, "sku": requested.sku}
    return ProductLinked.model_validate(
        {"shop": shop, "item": item, "how": "mapped", "linked_at": state.now, **product}
    )


def _with_translations(link: ProductLinked, requested: RequestedTranslations) -> ProductLinked | None:
    """The link with every request applied that is later than the last one applied."""
    since = link.further_since
    new = [one for one in requested.requests if since is None or one.at > since]
    if not new:
        return None
    further = {one.product_id: one for one in link.further}
    for one in sorted(new, key=lambda request: request.at):
        further.pop(one.product_id, None)
        if one.action == "add" and one.product_id != link.product_id:
            further[one.product_id] = FurtherProduct(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku)
    update = {"further": tuple(further.values()), "further_since": max(one.at for one in new)}
    return link.model_copy(update=update)


NAME = "catalog-importer"
MAPPING_SUBJECT = "mapping|"
"""The prefix of a command's id as a subject: the id of a shop cannot contain the last character."""


class ShopMapping(Part):
    """The rules that people have set for the groups of a shop, by group."""

    groups: dict[Uid, GroupRule] = Field(default_factory=dict)


class GroupMember(Part):
    """A member of a group: an item, or a folder with members of its own."""

    folder: bool


SHOP_MAPPING = Kind("mappings", ShopMapping)
"""By shop."""
GROUP_MEMBER = Kind("member", GroupMember)
"""By item; found by the group that contains it."""
REQUESTED_MAPPING = Kind("mapping-asked", MappingRequested)
"""By command, until it is settled."""


def group_commands(shop: str, state: State) -> dict[Uid, GroupRule]:
    """Return the rules that people have set for the groups of a shop."""
    known = state.get(SHOP_MAPPING, shop)
    return known.groups if known else {}


def remember_group(item: ItemChanged, before: ItemChanged | None, state: State) -> None:
    """Store which group contains an item, if that changed."""
    if before is None or (before.group, before.kind) != (item.group, item.kind):
        state.put(GROUP_MEMBER, item.item, GroupMember(folder=item.kind == "folder"), ref=item.group or "")


def on_mapping_requested(envelope: Envelope[MappingRequested], state: State) -> None:
    """A person sets a rule for a group."""
    state.put(REQUESTED_MAPPING, envelope.data.command_id, envelope.data)
    state.touch(MAPPING_SUBJECT + envelope.data.command_id)


def on_command_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    """A command was settled by this service."""
    if envelope.data.service == NAME:
        state.drop(REQUESTED_MAPPING, envelope.data.command_id)


def on_mapping_changed(envelope: Envelope[MappingChanged], state: State) -> None:
    """The rule for a group changed: only the items in it, at any depth, are decided again."""
    event = envelope.data
    state.put(SHOP_MAPPING, event.shop, ShopMapping(groups=with_change(group_commands(event.shop, state), event)))
    for item in _items_in(event.group, state):
        state.touch(f"{event.shop}:{item}")


def _items_in(group: Uid, state: State) -> Iterator[Uid]:
    """The items in a group and in the groups below it."""
    level, seen = {group}, {group}
    while level:
        by_group = state.find_many(GROUP_MEMBER, sorted(level)).values()
        members = {uid: member for some in by_group for uid, member in some.items()}
        yield from (uid for uid, member in members.items() if not member.folder)
        level = {uid for uid, member in members.items() if member.folder} - seen
        seen |= level


def decide_mapping(shops: Iterable[str], subject: str, state: State) -> Decision:
    """Announce the requested rule and settle the command; nothing once that is done."""
    request = state.get(REQUESTED_MAPPING, subject.removeprefix(MAPPING_SUBJECT))
    if request is None:
        return NOTHING
    if request.shop not in shops:
        return Decision(announce=(_settle(request, "refused", f"the settings have no shop {request.shop}", state),))
    changed = MappingChanged(
        shop=request.shop,
        group=request.group,
        rule=request.rule,
        command_id=request.command_id,
        changed_by=request.asked_by,
        changed_at=request.asked_at,
    )
    return Decision(announce=(changed, _settle(request, "done", f"group {request.group}: saved", state)))


def _settle(request: MappingRequested, outcome: str, detail: str, state: State) -> CommandSettled:
    return CommandSettled.model_validate(
        {
            "command_id": request.command_id,
            "service": NAME,
            "outcome": outcome,
            "detail": detail,
            "settled_at": state.now,
        }
    )


class ApprovedChange(Part):
    """The change that was approved, and when."""

    digest: str
    plan: str
    at: Instant


APPROVED_CHANGE = Kind("approved", ApprovedChange)
"""By shop:item."""


def on_apply_requested(envelope: Envelope[ApplyRequested], state: State) -> None:
    """A person approves the changes of a plan."""
    event = envelope.data
    for change in event.changes:
        subject = f"{event.shop}:{change.item}"
        approved = ApprovedChange(digest=change.digest, plan=event.plan, at=event.asked_at)
        state.put(APPROVED_CHANGE, subject, approved)
        state.touch(subject)


def is_approved(approved: ApprovedChange | None, digest: str, link: ProductLinked | None) -> bool:
    """Return whether exactly this change was approved, and nothing was written since."""
    if approved is None or approved.digest != digest:
        return False
    return link is None or link.written_at is None or link.written_at < approved.at
