"""Which Kafka the demo and the tests run on: a given one, a container, or the Java archives."""

from services.demo.kafka.archives import ArchivesBroker
from services.demo.kafka.choice import broker
from services.demo.kafka.running import Broker, BrokerError, BrokerKind, Unavailable

__all__ = ["ArchivesBroker", "Broker", "BrokerError", "BrokerKind", "Unavailable", "broker"]
