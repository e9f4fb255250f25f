"""The log that every reader reads: history of both legs, quotes, and the bar that ends it."""

from dataclasses import replace

from bench.market import Market, batches
from shared.config import KafkaSettings
from shared.contracts.ticks import encode_tick_record
from shared.domain.ticks import MAX_TICKS_PER_RECORD
from shared.kafka.clients import make_producer
from shared.kafka.topics import TICKS


def encode_log(market: Market, *, ticks: int, ticks_per_record: int) -> list[bytes]:
    """Return the values of the records as the ingestor would write them, in their order."""
    assert ticks_per_record <= MAX_TICKS_PER_RECORD
    quotes = market.head(ticks)
    # The last record has to change the pair, so that the worker says in a checkpoint when it was there.
    news = replace(market.news, bars=tuple(replace(bar, known_at_ns=0) for bar in market.news.bars))
    records = [*market.history, *batches(quotes, ticks_per_record), news]
    return [encode_tick_record(record) for record in records]


async def write_log(kafka: KafkaSettings, values: list[bytes], *, key: str, topic: str = TICKS.name) -> None:
    """Append the records to one partition."""
    producer = make_producer(kafka, client_id="bench")
    await producer.start()
    try:
        acknowledgements = [
            await producer.send(topic, value, key=key.encode(), partition=0) for value in values
        ]
        for acknowledgement in acknowledgements:
            await acknowledgement
    finally:
        await producer.stop()
