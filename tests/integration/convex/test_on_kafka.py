"""What only Apache Kafka can settle: topics as declared, and records that retention has deleted."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from prometheus_client import CollectorRegistry

from services.notifier.store.database import Database
from shared.config import KafkaSettings
from shared.health import HealthServer
from shared.kafka.publisher import Publisher
from tests.integration.convex.conftest import Convex
from tests.integration.convex.test_deadletters import letter
from tests.integration.convex.test_doctor import findings
from tests.support.kafka_broker import remove_topics

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SERVICES = ("ingestor", "signals", "notifier", "dashboard")


@pytest.fixture(scope="module")
def kafka(apache_kafka: str) -> KafkaSettings:
    """Return a Kafka without topics: the doctor looks at them by their real names."""
    remove_topics(apache_kafka)
    return KafkaSettings(bootstrap_servers=apache_kafka)


@pytest.fixture(autouse=True)
def configured(kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVEX_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)


@asynccontextmanager
async def administering(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Have a mail server, a delivery store, a subscription and four services that say they are ready."""
    asyncio.run(_make_store(f"sqlite:///{tmp_path}/notifier.db"))
    (tmp_path / "subscriptions.toml").write_text(
        '[[subscription]]\nname = "ann"\nchannel = "email"\naddress = "ann@example.com"\n'
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mail = Controller(Sink(), hostname="127.0.0.1", port=port)
    mail.start()
    monkeypatch.setenv("CONVEX_NOTIFIER_DATABASE_URL", f"sqlite:///{tmp_path}/notifier.db")
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__HOST", "127.0.0.1")
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__PORT", str(port))
    monkeypatch.setenv("CONVEX_NOTIFIER_SMTP__SECURITY", "none")
    servers = [
        HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}) for _ in SERVICES
    ]
    for service, server in zip(SERVICES, servers, strict=True):
        server.__enter__()
        monkeypatch.setenv(f"CONVEX_{service.upper()}_HEALTH__PORT", str(server.port))
    yield
    for server in servers:
        server.__exit__(None, None, None)
    mail.stop()


async def _make_store(url: str) -> None:
    await (await Database.open(url)).close()


def test_doctor_finds_nothing_wrong_where_everything_is_set_up(convex: Convex, set_up: None) -> None:
    assert convex("topics", "create").code == 0

    ran = convex("doctor", "--json")

    found = findings(ran)
    # The simulated market has no provider to ask.
    assert found.pop("providers")["verdict"] == "skipped"
    assert {each["verdict"] for each in found.values()} == {"ok"}, ran.out
    assert ran.code == 0
    assert "Apache Kafka 4 or newer" in found["kafka"]["detail"]
    assert found["topic ticks.v1"]["detail"] == "4 partitions, delete"
    assert found["topic state.v1"]["detail"] == "4 partitions, compact"
    assert found["partitioning"]["detail"] == "equal: ticks.v1 4, state.v1 4, proofs.v1 4"
    assert found["subscriptions"]["detail"] == "ann (email)"
    assert convex("doctor").out.splitlines()[-1] == "nothing failed"


def test_topic_that_is_kept_otherwise_than_declared_fails(kafka: KafkaSettings, convex: Convex) -> None:
    async def alter(policy: str) -> None:
        async with administering(kafka) as admin:
            resource = ConfigResource(ConfigResourceType.TOPIC, "divergences.v1", {"cleanup.policy": policy})
            await admin.alter_configs([resource])
            # The broker answers before it does as it was told.
            while (await admin.describe_configs([resource]))[0].resources[0][4][0][1] != policy:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)

    convex("topics", "create")
    asyncio.run(alter("compact"))
    try:
        found = findings(convex("doctor", "--json"))["topic divergences.v1"]
    finally:
        asyncio.run(alter("delete"))

    assert found["verdict"] == "FAIL"
    assert found["detail"] == "cleanup.policy is compact, declared is delete"
    assert "--topic divergences.v1 --add-config cleanup.policy=delete" in found["remedy"]


@pytest.mark.parametrize(
    ("topic", "partitions", "remedy"),
    [
        ("state.v1", 2, "kafka-topics.sh --alter --topic state.v1 --partitions 4"),
        ("state.v1", 6, "delete ticks.v1 and state.v1"),
        ("proofs.v1", 3, "kafka-topics.sh --alter --topic proofs.v1 --partitions 4"),
    ],
)
def test_a_leads_topic_partitioned_otherwise_than_ticks_fails(
    kafka: KafkaSettings, convex: Convex, topic: str, partitions: int, remedy: str
) -> None:
    async def make_anew(count: int) -> None:
        async with administering(kafka) as admin:
            await admin.delete_topics([topic])
            while topic in await admin.list_topics():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
            await admin.create_topics(
                [NewTopic(topic, count, 1, topic_configs={"cleanup.policy": "compact"})]
            )
            # The broker answers before it lists the topic to those who ask.
            while len((await admin.describe_topics([topic]))[0]["partitions"]) != count:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)

    convex("topics", "create")
    asyncio.run(make_anew(partitions))
    try:
        ran = convex("doctor", "--json")
    finally:
        asyncio.run(make_anew(4))

    found = findings(ran)["partitioning"]
    assert found["verdict"] == "FAIL"
    counts = {"ticks.v1": 4, "state.v1": 4, "proofs.v1": 4} | {topic: partitions}
    assert found["detail"] == "must be equal: " + ", ".join(f"{name} {n}" for name, n in counts.items())
    assert remedy in found["remedy"]
    assert ran.code == 1


def test_record_that_retention_has_deleted_is_gone(kafka: KafkaSettings, convex: Convex) -> None:
    async def put_and_delete() -> tuple[int, int]:
        async with Publisher(kafka, client_id="test") as publisher:
            first = await publisher.publish("ticks.v1", key="k", value=b"{")
            last = await publisher.publish("ticks.v1", key="k", value=b"{")
            for offset in (first.offset, last.offset):
                await publisher.publish(
                    "deadletters.v1", key="ticks.v1", value=letter(partition=first.partition, offset=offset)
                )
        async with administering(kafka) as admin:
            place = TopicPartition("ticks.v1", first.partition)
            await admin.delete_records({place: RecordsToDelete(before_offset=last.offset)})
        return first.partition, last.offset

    convex("topics", "create")
    partition, kept = asyncio.run(put_and_delete())
    gone = f"ticks.v1/{partition}/{kept - 1}"

    one = convex(
        *("deadletters", "replay", "--origin", "ticks.v1"),
        *("--partition", str(partition), "--offset", str(kept - 1)),
    )
    every = convex("deadletters", "replay", "--origin", "ticks.v1", "--all")

    assert one.code == 1
    assert one.err == (f"convex: {gone}: deleted by the topic's retention, which begins at {kept} now\n")
    assert every.code == 0
    assert every.out.splitlines() == [
        f"{gone}: not replayed: deleted by the topic's retention, which begins at {kept} now",
        f"ticks.v1/{partition}/{kept}: replayed as ticks.v1/{partition}/{kept + 1}",
        "1 of 2 replayed",
    ]
    assert len(json.loads(convex("deadletters", "list", "--json").out.splitlines()[0])) == 7
