"""Checks of Kafka: it answers, and the topics are as declared. Nothing is created."""

import asyncio
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import ApiVersionRequest

from convex.doctor.finding import Finding, failed, passed, skipped
from shared.config import KafkaSettings
from shared.kafka.clients import make_admin
from shared.kafka.topics import ALL_TOPICS, PROOFS, STATE, TICKS, Topic

_TIMEOUT_SECONDS: Final = 10.0
_FETCH: Final = 1
# Apache Kafka 4.0 dropped the fetch requests that clients from before 0.10 send (KIP-896).
_LEAST_FETCH_OF_KAFKA_4: Final = 4
_CREATE: Final = "convex topics create"
_BY_LEAD: Final = (TICKS, STATE, PROOFS)


async def check_kafka(settings: KafkaSettings) -> list[Finding]:
    """Check the brokers and each declared topic."""
    admin = make_admin(settings)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await admin.start()
            brokers = (await admin.describe_cluster())["brokers"]
            described = await admin.describe_topics()
            versions = await admin._send_request(ApiVersionRequest())  # noqa: SLF001 - no public way
    except (KafkaError, TimeoutError, OSError) as error:
        await admin.close()
        unreachable = failed(
            "kafka",
            f"{settings.bootstrap_servers}: {error!r}",
            "start Kafka, or correct CONVEX_KAFKA_BOOTSTRAP_SERVERS and the security settings beside it",
        )
        return [unreachable, *(skipped(f"topic {each.name}", "Kafka does not answer") for each in ALL_TOPICS)]
    try:
        cleanup = await _cleanup_policies(admin)
    finally:
        await admin.close()
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    count = f"{len(brokers)} broker{'' if len(brokers) == 1 else 's'}"
    return [
        passed("kafka", f"{settings.bootstrap_servers}: {count}, {_generation(versions)}"),
        *(_check_topic(topic, partitions, cleanup) for topic in ALL_TOPICS),
        _check_partitioning(partitions),
    ]


def _generation(versions: Any) -> str:
    # A broker does not report its version to clients, only the requests that it understands.
    least = {api[0]: api[1] for api in versions.api_versions}.get(_FETCH, 0)
    if least >= _LEAST_FETCH_OF_KAFKA_4:
        return "has the protocol of Apache Kafka 4 or newer"
    return "has the protocol of an older version, or is the embedded broker"


async def _cleanup_policies(admin: Any) -> dict[str, str]:
    """Return the policy of each topic that there is; empty where the broker does not report it."""
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, {"cleanup.policy": None}) for topic in ALL_TOPICS
    ]
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            responses = await admin.describe_configs(asked)
    except (KafkaError, TimeoutError, OSError):
        return {}
    return {
        resource[3]: str(entry[1])
        for response in responses
        for resource in response.resources
        if resource[0] == 0
        for entry in resource[4]
        if entry[0] == "cleanup.policy"
    }


def _check_topic(topic: Topic, partitions: dict[str, int], cleanup: dict[str, str]) -> Finding:
    check = f"topic {topic.name}"
    if topic.name not in partitions:
        return failed(check, "does not exist", _CREATE)
    declared, seen = topic.config["cleanup.policy"], cleanup.get(topic.name)
    count = f"{partitions[topic.name]} partitions"
    if seen is None:
        return passed(check, f"{count}; the broker does not report its cleanup policy")
    if set(seen.split(",")) != set(declared.split(",")):
        return failed(
            check,
            f"cleanup.policy is {seen}, declared is {declared}",
            f"kafka-configs.sh --alter --topic {topic.name} --add-config cleanup.policy={declared}",
        )
    return passed(check, f"{count}, {seen}")


def _check_partitioning(partitions: dict[str, int]) -> Finding:
    counts = {topic.name: partitions.get(topic.name) for topic in _BY_LEAD}
    if None in counts.values():
        return skipped("partitioning", f"needs {TICKS.name}, {STATE.name} and {PROOFS.name}")
    ticks, state, _ = known = [count or 0 for count in counts.values()]
    detail = ", ".join(f"{name} {count}" for name, count in counts.items())
    short = next((name for name, count in counts.items() if (count or 0) < ticks), None)
    if state > ticks:
        remedy = (
            f"delete {TICKS.name} and {STATE.name} and create them with one CONVEX_KAFKA_PARTITIONS; more "
            f"partitions for {TICKS.name} alone would move leads away from their checkpoints"
        )
    elif short is not None:
        # A checkpoint or a proof names its partition itself: more partitions move none.
        remedy = f"stop signals, then kafka-topics.sh --alter --topic {short} --partitions {ticks}"
    else:
        # Partitions of proofs.v1 beyond those of the logs stay empty.
        return passed("partitioning", f"{'equal' if len(set(known)) == 1 else 'enough'}: {detail}")
    return failed("partitioning", f"must be equal: {detail}", remedy)
