"""Create the declared topics if they do not exist, and report which exist."""

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.config import KafkaSettings
from shared.errors import BrokerUnavailable
from shared.kafka.clients import make_admin, make_reader
from shared.kafka.topics import ALL_TOPICS, Topic


async def create_topics(settings: KafkaSettings) -> dict[str, str]:
    """Create every topic that does not exist yet.

    Returns
    -------
    dict
        For each topic ``created`` or ``exists``.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached or refuses.
    """
    admin = make_admin(settings)
    try:
        await admin.start()
    except KafkaError as error:
        await admin.close()
        raise BrokerUnavailable(f"{settings.bootstrap_servers}: cannot connect: {error!r}") from error
    try:
        response = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=topic.partitions or settings.partitions,
                    replication_factor=settings.replication_factor,
                    topic_configs=topic.config,
                )
                for topic in ALL_TOPICS
            ]
        )
    except KafkaError as error:
        raise BrokerUnavailable(f"topics not created: {error!r}") from error
    finally:
        await admin.close()
    outcome = {}
    for name, code, *message in response.topic_errors:
        failure = for_code(code)
        if code and failure is not TopicAlreadyExistsError:
            raise BrokerUnavailable(f"{name} not created: {failure.__name__} {message}")
        outcome[name] = "exists" if code else "created"
    return outcome


async def require_topics(settings: KafkaSettings, *topics: Topic) -> None:
    """Refuse to start without a topic: a consumer of a missing one waits for ever without an error.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached, or a topic does not exist; names it and the remedy.
    """
    reader = make_reader(settings, client_id="convex-topics")
    try:
        await reader.start()
        there = await reader.topics()
    except KafkaError as error:
        raise BrokerUnavailable(f"{settings.bootstrap_servers}: cannot connect: {error!r}") from error
    finally:
        await reader.stop()
    missing = [topic.name for topic in topics if topic.name not in there]
    if missing:
        raise BrokerUnavailable(
            f"{settings.bootstrap_servers}: {', '.join(missing)} not there; run: convex topics create"
        )
