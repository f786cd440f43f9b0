"""Describes the commands that concern no order or dead letter; the others as timelines do."""

from __future__ import annotations

from functools import singledispatch

from contracts.clients import ClientAssigned, ContactSettled
from contracts.closing import DifferenceAccepted
from contracts.identity import AcceptShopRequested
from contracts.linking import LinkRequested
from contracts.model import Event
from contracts.operations import ApplyRequested, ImportRequested, MappingRequested, ReadRequested
from contracts.proposals import ItemApproved, ItemProposed
from services.console.model.event_text import describe_event
from services.console.model.message import StoredMessage
from services.console.model.message import message as _


@singledispatch
def describe_command(command: Event) -> StoredMessage:
    """Describe what a person asked for."""
    return describe_event(command)


@describe_command.register
def _import(command: ImportRequested) -> StoredMessage:
    return _("import of {resource} now", resource=StoredMessage(text=command.resource))


@describe_command.register
def _read(command: ReadRequested) -> StoredMessage:
    return _("reading of {count} orders of shop {shop}", count=len(command.order_ids), shop=command.shop)


@describe_command.register
def _apply(command: ApplyRequested) -> StoredMessage:
    count, plan = len(command.changes), command.plan
    return _("{count} changes of plan {plan} in shop {shop}", count=count, plan=plan, shop=command.shop)


@describe_command.register
def _mapping(command: MappingRequested) -> StoredMessage:
    if command.rule is None:
        return _("group {group} in shop {shop}: as in the settings", group=command.group, shop=command.shop)
    return _(
        "group {group} in shop {shop}: categories {categories} {access}",
        group=command.group,
        shop=command.shop,
        categories=", ".join(map(str, command.rule.category_ids)),
        access=StoredMessage(text=command.rule.access or ""),
    )


@describe_command.register
def _link(command: LinkRequested) -> StoredMessage:
    return _("{count} links in shop {shop}", count=len(command.links), shop=command.shop)


@describe_command.register
def _propose(command: ItemProposed) -> StoredMessage:
    return _("item {sku} of shop {shop} proposed", sku=command.sku, shop=command.shop)


@describe_command.register
def _approve(command: ItemApproved) -> StoredMessage:
    return _("item {sku} of shop {shop} approved: {why}", sku=command.sku, shop=command.shop, why=command.why)


@describe_command.register
def _assign(command: ClientAssigned) -> StoredMessage:
    client, why = command.client or _("no client"), command.why
    return _("orders of a buyer of shop {shop} go to {client}: {why}", shop=command.shop, client=client, why=why)


@describe_command.register
def _contact(command: ContactSettled) -> StoredMessage:
    return _(
        "{field} of client {client}: {side} is right: {why}",
        field=StoredMessage(text=command.field),
        client=command.client,
        side=StoredMessage(text=command.take),
        why=command.why,
    )


@describe_command.register
def _accept(command: DifferenceAccepted) -> StoredMessage:
    return _(
        "difference {difference} of {date} in shop {shop} accepted: {why}",
        difference=command.difference,
        date=command.date,
        shop=command.shop,
        why=command.why,
    )


@describe_command.register
def _shop(command: AcceptShopRequested) -> StoredMessage:
    return _("shop {shop} accepted: {why}", shop=command.shop, why=command.why)


WORDS = (_("items"), _("prices"), _("stock"), _("included"), _("excluded"))
"""Words of commands that appear in texts."""
