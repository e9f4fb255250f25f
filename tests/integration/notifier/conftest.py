"""A broker, a running notifier, and what goes in and out of it."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.notifier.app import run_notifier
from services.notifier.config import NotifierSettings, SmtpSecurity, SmtpSettings
from services.notifier.core.routing import TimeBase
from shared.clock import SystemClock
from shared.config import KafkaSettings
from tests.support.mock_cluster import address_of, start_mock_cluster

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes!").decode()


@pytest.fixture
def embedded_kafka() -> Iterator[KafkaSettings]:
    """Yield the embedded broker, made for one test: librdkafka's mock cluster."""
    cluster = start_mock_cluster()
    yield KafkaSettings(bootstrap_servers=address_of(cluster), fetch_max_wait_ms=10)
    cluster.flush(1)


def write_subscriptions(folder: Path, *tables: str) -> Path:
    """Write a subscriptions file, with a webhook secret beside it."""
    (folder / "secret").write_text(SECRET)
    path = folder / "subscriptions.toml"
    path.write_text("\n".join(f"[[subscription]]\n{table}" for table in tables))
    return path


def webhook(name: str, url: str, more: str = "") -> str:
    """Return a webhook subscription's table."""
    return f'name = "{name}"\nchannel = "webhook"\nurl = "{url}"\nsecret_file = "secret"\n{more}'


def email(name: str, address: str, more: str = "") -> str:
    """Return an e-mail subscription's table."""
    return f'name = "{name}"\nchannel = "email"\naddress = "{address}"\n{more}'


def notifier_settings(folder: Path, *tables: str, mail_port: int = 1, **changes: Any) -> NotifierSettings:
    """Return settings for a notifier that lives in a folder and retries within milliseconds."""
    fields: dict[str, Any] = {
        "database_url": f"sqlite:///{folder}/notifier.db",
        "subscriptions_file": write_subscriptions(folder, *tables),
        "time_base": TimeBase.REPLAY,
        "public_url": "https://convex.example",
        "webhook_allowed_networks": "127.0.0.0/8",
        "retry_delays_seconds": "0.02,0.05",
        "smtp": SmtpSettings(
            host="127.0.0.1",
            port=mail_port,
            security=SmtpSecurity.NONE,
            sender="Convex <alerts@convex.example>",
        ),
    }
    return NotifierSettings(**(fields | changes))


@contextlib.asynccontextmanager
async def running_notifier(
    kafka: KafkaSettings, settings: NotifierSettings
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a notifier for the time of a block, and let it stop in order."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_notifier(kafka, settings, clock=SystemClock(), stop=stop))
    try:
        yield task
    finally:
        stop.set()
        await task
