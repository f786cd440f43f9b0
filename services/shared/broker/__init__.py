"""Which Kafka the demo and the tests run on: a given one, a container, the Java archives, or a stand-in in memory."""

from services.shared.broker.archives import ArchivesBroker
from services.shared.broker.choice import broker
from services.shared.broker.running import Broker, BrokerError, BrokerKind, Unavailable

__all__ = ["ArchivesBroker", "Broker", "BrokerError", "BrokerKind", "Unavailable", "broker"]
