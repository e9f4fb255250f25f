"""The broker of ``deploy/kafka``: its records outlive kill -9, and it does not outlive its tests."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError

from tests.support.kafka_broker import KafkaBroker, broker_or_skip

_SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    broker = broker_or_skip(tmp_path / "kafka")
    with broker:
        yield broker


async def _create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _records(bootstrap: str, topic: str) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(end)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
async def test_acknowledged_records_outlive_kill_9_and_a_waiting_producer_goes_on(
    broker: KafkaBroker,
) -> None:
    await _create_topic(broker.bootstrap, "survivors")
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        for number in range(50):
            await producer.send_and_wait("survivors", str(number).encode())
        await asyncio.to_thread(broker.kill)
        sent_while_dead = [await producer.send("survivors", str(number).encode()) for number in range(50, 60)]
        await asyncio.to_thread(broker.start)
        await asyncio.wait_for(asyncio.gather(*sent_while_dead), 60)
    finally:
        await producer.stop()

    assert await _records(broker.bootstrap, "survivors") == [str(number).encode() for number in range(60)]


@pytest.mark.kafka
async def test_a_misspelt_topic_is_refused_and_not_created(broker: KafkaBroker) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, request_timeout_ms=2000)
    await producer.start()
    try:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("tikcs.v1", b"lost")
    finally:
        await producer.stop()


@pytest.mark.kafka
async def test_the_settings_in_docker_compose_are_known_to_this_release(tmp_path: Path) -> None:
    """All but where it listens and keeps its files, which differ in a container."""
    services = yaml.safe_load((_SCRIPT.parents[2] / "docker-compose.yml").read_text())["services"]
    here = (
        "KAFKA_LISTENERS",
        "KAFKA_ADVERTISED_",
        "KAFKA_CONTROLLER_QUORUM_",
        "KAFKA_LOG_DIRS",
        "KAFKA_HEAP_",
    )
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in services["kafka"]["environment"].items()
        if name.startswith("KAFKA_") and not name.startswith(here)
    }
    broker = broker_or_skip(tmp_path / "kafka", settings=settings)

    with broker:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
        finally:
            await admin.close()

    # A name that the broker does not know comes back without its value.
    in_force = {entry[0]: entry[1] for entry in response.resources[0][4]}
    assert {name: in_force[name] for name in settings} == settings


@pytest.mark.kafka
def test_the_broker_dies_with_a_killed_test_run(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib; from tests.support.kafka_broker import KafkaBroker\n"
        "broker = KafkaBroker(pathlib.Path(sys.argv[1])).start()\n"
        "print(broker.pid, flush=True); time.sleep(600)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, cwd=_SCRIPT.parents[2]
    )
    assert run.stdout is not None
    with run.stdout:
        pid = int(run.stdout.readline())
    os.kill(run.pid, signal.SIGKILL)
    run.wait()

    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, f"the broker {pid} outlived the run that started it"
        time.sleep(0.05)


def _tools_without(tmp_path: Path, *missing: str) -> dict[str, str]:
    """Return an environment whose PATH has what the script needs, less what is named."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in {"bash", "dirname", "sed", "head", "cmp", "cat", "java", "mvn"} - set(missing):
        for folder in os.environ["PATH"].split(":"):
            if (Path(folder) / tool).exists():
                (tools / tool).symlink_to(Path(folder) / tool)
                break
    return {"PATH": str(tools)}


def _call(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_missing_java_is_one_clear_line(tmp_path: Path) -> None:
    result = _call("start", environment=_tools_without(tmp_path, "java"))

    assert result.returncode == 2
    assert result.stderr == (
        "kafka: Java is missing (java): install Java 17 or newer, for example openjdk-17-jre-headless\n"
    )


def test_old_java_is_one_clear_line(tmp_path: Path) -> None:
    environment = _tools_without(tmp_path, "java")
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/bash\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)

    result = _call("install", environment=environment)

    assert (result.returncode, result.stderr) == (2, "kafka: Java 17 or newer is needed, java is 11\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["start", "--port", "0"], "kafka: --port must be a port from 1 to 65535, was '0'\n"),
        (["start", "--port", "70000"], "kafka: --port must be a port from 1 to 65535, was '70000'\n"),
        (["start", "--port"], "kafka: --port needs a value\n"),
        (["start", "--colour", "red"], "kafka: unknown option '--colour' of start, see --help\n"),
        (["start", "--set", "novalue"], "kafka: --set must be KEY=VALUE, was 'novalue'\n"),
    ],
)
def test_a_wrong_call_is_one_clear_line(arguments: list[str], message: str) -> None:
    result = _call(*arguments)

    assert (result.returncode, result.stderr) == (2, message)
