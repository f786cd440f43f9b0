"""Who may read and write which topic: each service, the operator, and subscribers by what they are interested in.

What a service reads is taken from its handlers; what it writes is in `WRITES`, which a test compares with the
events that its code makes. Nobody needs a right to a transactional id: events are published without transactions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.operations import Command, CommandSettled, DeadLettered
from contracts.registry import EVENTS
from contracts.topics import TOPICS
from services.alerts.handlers import TOPICS as ALERTS
from services.balance_feed.handlers import handlers as balance_feed
from services.catalog_importer.handlers import TOPICS as CATALOG_IMPORTER
from services.engine.privacy.keys import TOPIC as KEYS
from services.engine.runtime.service import ENGINE_TOPICS
from services.order_exporter.handlers import TOPICS as ORDER_EXPORTER
from services.order_notifier.handlers import TOPICS as ORDER_NOTIFIER
from services.refund_exporter.handlers import TOPICS as REFUND_EXPORTER
from services.settings.kafka import KafkaSettings
from services.stock_publisher.handlers import TOPICS as STOCK_PUBLISHER
from services.store_feed.handlers import handlers as store_feed

ALL = tuple(topic.name for topic in TOPICS)

READS = {
    "balance-feed": balance_feed().topics,
    "store-feed": store_feed(()).topics,
    "catalog-importer": CATALOG_IMPORTER,
    "stock-publisher": STOCK_PUBLISHER,
    "order-exporter": ORDER_EXPORTER,
    "refund-exporter": REFUND_EXPORTER,
    "order-notifier": ORDER_NOTIFIER,
    "alerts": ALERTS,
}
WRITES = {
    "balance-feed": ("balance.items", "balance.prices", "balance.stock"),
    "store-feed": ("shop.orders", "shop.refunds", "shop.customers"),
    "catalog-importer": ("catalog.links", "catalog.plans", "catalog.mappings"),
    "stock-publisher": ("stock.availability",),
    "order-exporter": ("ledger.documents",),
    "refund-exporter": ("ledger.documents",),
    "order-notifier": ("shop.notices",),
    "alerts": (),
}
"""Besides what every service writes (`ENGINE_WRITES`)."""
ENGINE_WRITES = (CommandSettled.TOPIC, DeadLettered.TOPIC)
"""What the engine publishes in the name of every service: answers to commands, its own state, and dead letters."""
COMMANDS = tuple(dict.fromkeys(event.TOPIC for event in EVENTS if issubclass(event, Command)))
"""Where commands of people go."""
PERSONAL_SERVICES = ("store-feed", "order-exporter")
"""Services that open the data of people and seal it: they read and write the topic of keys."""

IMPERSONAL = {
    "catalogue": ("balance.items", "balance.prices", "catalog.links", "catalog.plans", "catalog.mappings"),
    "stock": ("balance.stock", "stock.availability"),
    "notices": ("shop.notices",),
}
PERSONAL = {
    "orders": ("shop.orders", "shop.refunds", "shop.customers"),
    "documents": ("ledger.documents",),
}
"""Topics with names and addresses, sealed (`sealed`), and with their pseudonyms (`person_ref`)."""

RESTRICTED = tuple(dict.fromkeys((*ENGINE_TOPICS, *ENGINE_WRITES, *COMMANDS, KEYS)))
"""For the services and the operator only: commands move the books, dead letters hold failed records as they were. The
keys of people's data are for a reader of people too."""

REPLAYS = "replay."
"""The prefix that `davtari events replay` publishes to; the operator may make topics there."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one principal may do; `@` represents the prefix of the installation's topics.

    `groups` are the consumer groups that it joins; one that ends in a dot is the prefix of several. `groups_seen` are
    prefixes of those that it may only look at. `creates` are prefixes under which it may make topics and see their
    configuration, `writes_under` those where it may write to any topic.
    `byte_rate` bounds what it reads, in bytes per second and broker.
    """

    name: str
    about: str
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    groups_seen: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    writes_under: tuple[str, ...] = ()
    byte_rate: int | None = None

    @property
    def principal(self) -> str:
        """The Kafka user."""
        return f"davtari-{self.name}"


def roles() -> list[Role]:
    """Every role, services first."""
    services = [_service(name) for name in READS]
    return [
        *services,
        _together(services),
        OPERATOR,
        CONSOLE,
        REPAIRER,
        *_subscribers(IMPERSONAL, "no"),
        *_subscribers(PERSONAL, "sealed"),
        PERSON_READER,
    ]


def _service(name: str) -> Role:
    keys = [KEYS] if name in PERSONAL_SERVICES else []
    return Role(
        name,
        f"the service {name}",
        reads=_sorted((*READS[name], *ENGINE_TOPICS, *keys)),
        writes=_sorted((*WRITES[name], *ENGINE_WRITES, *keys)),
        groups=(KafkaSettings(topic_prefix="@").group(name),),
    )


def _together(services: Iterable[Role]) -> Role:
    """`davtari up`: all services in one process, under one principal; it also makes the topics."""
    every = list(services)
    return Role(
        "all-in-one",
        "`davtari up`: all services in one process",
        reads=_sorted(topic for role in every for topic in role.reads),
        writes=_sorted(topic for role in every for topic in role.writes),
        groups=tuple(group for role in every for group in role.groups),
        creates=("@",),
    )


def _sorted(topics: Iterable[str]) -> tuple[str, ...]:
    wanted = set(topics)
    return tuple(topic for topic in ALL if topic in wanted)


OPERATOR = Role(
    "operator",
    "the `davtari` command: looks at everything, gives commands, makes topics, replays beside the live topics",
    reads=ALL,
    writes=_sorted((*COMMANDS, KEYS)),
    groups_seen=("@",),
    creates=("@", REPLAYS),
    writes_under=(REPLAYS,),
)


CONSOLE = Role(
    "console",
    "the console: shows everything, gives the commands of people who have signed in",
    reads=ALL,
    writes=_sorted((*COMMANDS, *ENGINE_WRITES, KEYS)),
    groups=("@console.",),
    groups_seen=("@",),
)


REPAIRER = Role(
    "repairer",
    "whoever may put a broken record right: `davtari dead-letters edit` publishes it again in its own topic",
    reads=ALL,
    writes=ALL,
    groups_seen=("@",),
)
"""An operator who may do more; everything else goes by the operator's rights."""


PERSON_READER = Role(
    "person-reader",
    "subscribers to orders that open the buyers' data: the keys of people's data too",
    reads=_sorted((*PERSONAL["orders"], KEYS)),
    groups=("@person-reader.",),
    byte_rate=2 * 1024 * 1024,
)


def _subscribers(groups: dict[str, tuple[str, ...]], personal: str) -> list[Role]:
    return [
        Role(
            f"subscriber-{name}",
            f"subscribers to {name}, {personal} personal data",
            reads=topics,
            groups=(f"@subscriber-{name}.",),
            byte_rate=2 * 1024 * 1024,
        )
        for name, topics in groups.items()
    ]
