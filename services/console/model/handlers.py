"""The rules of the console: what each event adds to the query database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.topics import TOPICS as ALL_TOPICS
from services.console.model.approvals import APPROVAL_RULES, APPROVALS
from services.console.model.catalogue import CATALOGUE_KINDS, CATALOGUE_RULES
from services.console.model.commands import COMMAND_RULES, COMMANDS
from services.console.model.dead_letters import DEAD_LETTER_RULES, DEAD_LETTERS
from services.console.model.documents import DOCUMENT_RULES
from services.console.model.facts import FACT_RULES
from services.console.model.health import HEALTH_RULES
from services.console.model.order_days import CLOSED_DAYS, DAY_RULES, ORDER_DAYS
from services.console.model.orders import decide_order
from services.console.model.progress import PROGRESS_RULES
from services.console.model.rows import DOCUMENTS, ORDERS, REFUNDS, TIMELINE
from services.console.model.timeline import TIMELINE_RULES
from services.engine.outbox.handlers import Handlers, Remember
from services.engine.privacy.keys import TOPIC as KEYS
from services.engine.state.records import Kind, State
from services.settings.model import Settings

SERVICE = "console"
TOPICS = tuple(topic.name for topic in ALL_TOPICS if topic.name != KEYS)
"""Every topic but the keys, which the engine reads."""
KINDS: Sequence[Kind[Any]] = (
    ORDERS, REFUNDS, DOCUMENTS, TIMELINE, DEAD_LETTERS, APPROVALS, COMMANDS, ORDER_DAYS, CLOSED_DAYS, *CATALOGUE_KINDS,
)  # fmt: skip
"""The kinds of rows that queries read, each in a table of its own."""
RULES: Sequence[Mapping[type[Event], Remember]] = (
    FACT_RULES, DOCUMENT_RULES, DEAD_LETTER_RULES, TIMELINE_RULES, APPROVAL_RULES, COMMAND_RULES, CATALOGUE_RULES,
    PROGRESS_RULES, DAY_RULES, HEALTH_RULES,
)  # fmt: skip


def handlers(settings: Settings) -> Handlers:
    """The rules. A subject is an order: its decision derives the rows of the order. There are no deliveries."""
    return Handlers(topics=TOPICS, remember=_compose(RULES), decide=partial(decide_order, settings.shops))


def _compose(maps: Sequence[Mapping[type[Event], Remember]]) -> Mapping[type[Event], Remember]:
    """For each event the rules of all maps, in their order."""
    types = dict.fromkeys(type_ for rules in maps for type_ in rules)
    return {type_: _all([rules[type_] for rules in maps if type_ in rules]) for type_ in types}


def _all(rules: Sequence[Remember]) -> Remember:
    if len(rules) == 1:
        return rules[0]

    def rule(envelope: Envelope[Any], state: State) -> None:
        for each in rules:
            each(envelope, state)

    return rule
