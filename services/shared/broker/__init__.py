"""Which Kafka the demo and the tests run on: a given one, a container, or the Java archives."""

from services.shared.broker.archives import ArchivesBroker
from services.shared.broker.choice import broker
from services.shared.broker.running import Broker, BrokerError, BrokerKind, Unavailable

__all__ = ["ArchivesBroker", "Broker", "BrokerError", "BrokerKind", "Unavailable", "broker"]
