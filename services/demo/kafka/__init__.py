"""The Kafka broker of the demonstration and the tests: a named one, a container, or the Java archives."""

from services.demo.kafka.archives import ArchivesBroker
from services.demo.kafka.broker import Broker, BrokerError, BrokerKind, BrokerUnavailable
from services.demo.kafka.choice import open_broker

__all__ = ["ArchivesBroker", "Broker", "BrokerError", "BrokerKind", "BrokerUnavailable", "open_broker"]
