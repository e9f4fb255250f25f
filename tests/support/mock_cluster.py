"""librdkafka's mock cluster: a broker inside this process, for what needs nothing of Apache Kafka's own."""

import ctypes
from pathlib import Path

from confluent_kafka import Producer

# As Apache Kafka does, the mock holds a group's first join for three seconds, in case more members come.
# That is most of a test's time, and in none of these tests does another member come.
_JOIN_DELAY_MS = 10


def start_mock_cluster() -> Producer:
    """Start a cluster of one broker that is there as long as the returned client."""
    # Its own address takes the place of "bootstrap.servers"; without one librdkafka complains.
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    answer_joins_at_once(cluster)
    return cluster


def address_of(cluster: Producer) -> str:
    """Return the cluster's address for clients."""
    brokers = cluster.list_topics(timeout=10).brokers.values()
    return ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


def answer_joins_at_once(cluster: Producer) -> None:
    """Let a group's first member in without waiting for others.

    The Python client has no setting for it, so this is the call that librdkafka declares in
    ``rdkafka_mock.h``; a client's handle is the first field of its Python object.
    """
    librdkafka = ctypes.CDLL(str(_loaded_librdkafka()))
    librdkafka.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
    librdkafka.rd_kafka_handle_mock_cluster.argtypes = [ctypes.c_void_p]
    set_delay = librdkafka.rd_kafka_mock_group_initial_rebalance_delay_ms
    set_delay.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    handle = ctypes.c_void_p.from_address(id(cluster) + object.__basicsize__)
    assert set_delay(librdkafka.rd_kafka_handle_mock_cluster(handle), _JOIN_DELAY_MS) == 0


def _loaded_librdkafka() -> Path:
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "librdkafka" in (path := Path(line.split()[-1])).name:
            return path
    raise LookupError("librdkafka is not loaded")
