"""aiokafka clients with the settings that the delivery guarantees need."""

import ssl
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from shared.config import KafkaSettings


class Record(Protocol):
    """The fields that a reader uses of a consumed record; a replayed record has the same."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its bytes; None for a tombstone."""
        ...


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every client needs to connect."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if (context := tls_context(settings)) is not None:
        options["ssl_context"] = context
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value()
            if settings.sasl_password
            else None,
        }
    return options


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """Return how to check the broker's certificate; None if the connection is not encrypted."""
    if settings.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    return ssl.create_default_context(cafile=str(settings.ssl_ca_file) if settings.ssl_ca_file else None)


def make_producer(settings: KafkaSettings, *, client_id: str) -> AIOKafkaProducer:
    """Return an idempotent producer that waits for all replicas and adds no delay."""
    return AIOKafkaProducer(
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        request_timeout_ms=int(settings.send_timeout_seconds * 1_000),
        **connection_options(settings),
    )


def make_group_consumer(
    settings: KafkaSettings, *topics: str, group: str, client_id: str, instance_id: str | None = None
) -> AIOKafkaConsumer:
    """Return a consumer of a group that commits only when asked to.

    Parameters
    ----------
    instance_id
        Static membership: a restart within the session timeout moves no partition.
    """
    return AIOKafkaConsumer(
        *topics,
        client_id=client_id,
        group_id=group,
        group_instance_id=instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=3_000,
        **connection_options(settings),
    )


def make_reader(settings: KafkaSettings, *, client_id: str) -> AIOKafkaConsumer:
    """Return a consumer without a group; the caller assigns its partitions."""
    return AIOKafkaConsumer(
        client_id=client_id,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
        **connection_options(settings),
    )


def make_admin(settings: KafkaSettings) -> AIOKafkaAdminClient:
    """Return a client that creates and describes topics."""
    return AIOKafkaAdminClient(client_id="convex-admin", **connection_options(settings))
