"""The watchdog: lag without progress is a fault; lag with progress, and idleness without lag, are not."""

from __future__ import annotations

from aiokafka import TopicPartition

from services.engine.runtime.service_monitor import PartitionProgress, StallDetector

ORDERS, STOCK = TopicPartition("davtari.shop.orders", 0), TopicPartition("davtari.balance.stock", 2)
LIMIT = 300.0


def detector_after(*observations: tuple[float, int, int]) -> StallDetector:
    """A watchdog after these observations of the partition of orders: (time, done, end)."""
    progress = StallDetector(LIMIT)
    for now, done, end in observations:
        progress.update({ORDERS: PartitionProgress(done, end)}, now)
    return progress


def test_an_idle_partition_with_lag_is_stalled_after_the_limit() -> None:
    progress = detector_after((0, 5, 9), (200, 5, 12))
    assert progress.find_stalled(300) == {}
    assert progress.find_stalled(301) == {ORDERS: 301}


def test_a_partition_that_moves_is_not_stalled_however_long_its_lag_lasts() -> None:
    progress = detector_after((0, 5, 900), (200, 6, 900), (400, 7, 900))
    assert progress.find_stalled(600) == {}


def test_an_idle_partition_without_lag_is_not_stalled_and_time_counts_from_the_lag() -> None:
    progress = detector_after((0, 9, 9), (1000, 9, 9))
    assert progress.find_stalled(5000) == {}
    progress.update({ORDERS: PartitionProgress(9, 10)}, 5000)
    assert progress.find_stalled(5300) == {}
    progress.update({ORDERS: PartitionProgress(9, 10)}, 5200)
    assert progress.find_stalled(5301) == {ORDERS: 301}


def test_time_without_kafka_does_not_count() -> None:
    progress = detector_after((0, 5, 9))
    progress.restart(290)
    progress.update({ORDERS: PartitionProgress(5, 9)}, 310)
    assert progress.find_stalled(500) == {}
    assert progress.find_stalled(591) == {ORDERS: 301}


def test_a_partition_assigned_to_another_member_is_forgotten() -> None:
    progress = detector_after((0, 5, 9))
    progress.update({STOCK: PartitionProgress(3, 3)}, 100)
    assert progress.find_stalled(1000) == {}


def test_only_the_partition_at_fault_is_named() -> None:
    progress = StallDetector(LIMIT)
    progress.update({ORDERS: PartitionProgress(5, 9), STOCK: PartitionProgress(1, 9)}, 0)
    progress.update({ORDERS: PartitionProgress(5, 9), STOCK: PartitionProgress(4, 9)}, 300)
    assert list(progress.find_stalled(310)) == [ORDERS]
