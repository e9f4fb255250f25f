"""Keep every outcome that is published to the audit topic, from its beginning."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from shared.config import KafkaSettings
from shared.contracts.records import DELIVERIES
from shared.domain.deliveries import DeliveryOutcome
from shared.kafka.clients import make_reader


@contextlib.asynccontextmanager
async def reading_outcomes(bootstrap: str) -> AsyncIterator[list[DeliveryOutcome]]:
    """Yield a list that grows for as long as the block runs."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    reader = make_reader(kafka, client_id="audit-reader")
    reader.subscribe(["deliveries.v1"])
    outcomes: list[DeliveryOutcome] = []

    async def read() -> None:
        while True:
            outcomes.append(DELIVERIES.decode((await reader.getone()).value))

    await reader.start()
    reading = asyncio.create_task(read())
    try:
        yield outcomes
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await reader.stop()
