"""Topics that only the benchmarks have."""

from aiokafka.admin import NewTopic

from shared.config import KafkaSettings
from shared.kafka.clients import make_admin


async def add_topics(kafka: KafkaSettings, *names: str) -> None:
    """Create topics of one partition."""
    admin = make_admin(kafka)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name=name, num_partitions=1, replication_factor=1) for name in names]
        )
    finally:
        await admin.close()
