"""Signals at a Kafka whose topics nobody has made."""

import asyncio

import pytest

from services.signals.app import run_signals
from services.signals.config import SignalsSettings
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.errors import BrokerUnavailable
from shared.kafka.admin import create_topics, require_topics
from shared.kafka.topics import STATE, TICKS
from tests.support.builders_market import pair

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def test_signals_refuses_to_wait_for_topics_that_nobody_made(empty_kafka: str) -> None:
    """It took no partition, said nothing, and had no lag that an alert could have seen."""
    kafka = KafkaSettings(bootstrap_servers=empty_kafka)
    with pytest.raises(BrokerUnavailable, match=r"ticks\.v1, .*convex topics create"):
        await run_signals(kafka, SignalsSettings(), (pair(),), clock=SystemClock(), stop=asyncio.Event())
    await create_topics(kafka)
    await require_topics(kafka, TICKS, STATE)
