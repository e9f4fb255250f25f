"""Signals at an Apache Kafka that asks for a login: Faust and our clients log in from the same settings."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from convex.demo.processes import Processes
from shared.config import KafkaSettings
from shared.errors import BrokerUnavailable
from shared.kafka.admin import create_topics
from tests.support.kafka_broker import broker_or_skip

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required user_convex='right';"


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[str]:
    """Yield the address at which an Apache Kafka asks for user and password."""
    broker = broker_or_skip(tmp_path / "kafka")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain, controller = broker._port, broker._controller_port
    broker._settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},SECURE://127.0.0.1:{port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secure.plain.sasl.jaas.config": _LOGIN,
    }
    with broker:
        yield f"127.0.0.1:{port}"


def _settings(address: str, password: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=address,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="convex",
        sasl_password=SecretStr(password),
    )


async def test_signals_takes_its_partitions_with_the_right_password(secured: str, tmp_path: Path) -> None:
    await create_topics(_settings(secured, "right"))
    processes = Processes(
        {
            "CONVEX_KAFKA_BOOTSTRAP_SERVERS": secured,
            "CONVEX_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "CONVEX_KAFKA_SASL_MECHANISM": "PLAIN",
            "CONVEX_KAFKA_SASL_USERNAME": "convex",
            "CONVEX_KAFKA_SASL_PASSWORD": "right",
            "CONVEX_PAIRS": "simulated",
        },
        tmp_path,
    )
    await processes.start("signals")
    try:
        async with asyncio.timeout(40):
            while "partitions_taken" not in processes.tail("signals"):  # noqa: ASYNC110 - another process's log
                await asyncio.sleep(0.1)
    finally:
        await processes.stop()
    assert "right" not in (tmp_path / "signals.log").read_text()


async def test_a_wrong_password_is_one_clear_error(secured: str) -> None:
    with pytest.raises(BrokerUnavailable, match="cannot connect"):
        await create_topics(_settings(secured, "wrong"))
