import numpy as np

from services.ingestor.core.published_trades import PublishedTrades, PublishedUntil
from services.ingestor.kafka.log_tail import LogTails
from shared.config import KafkaSettings
from shared.contracts.ticks import encode_tick_record
from shared.domain.ticks import AuthorityReason, FeedAuthority, QuoteBatch, TradeBatch
from shared.kafka.publisher import Publisher
from shared.kafka.topics import TICKS

GOLD, IWM = "PAXG/USD.KRAKEN", "IWM.ARCX"


def trades(instrument: str, feed: str, *ids: str) -> bytes:
    count = len(ids)
    column = np.arange(1, count + 1, dtype=np.int64)
    ones = np.ones(count)
    batch = TradeBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=column,
        ts_received_ns=column,
        price=ones,
        size=ones,
        trade_id=ids,
    )
    return encode_tick_record(batch)


def quotes(instrument: str, feed: str, *bids: float) -> bytes:
    column = np.arange(1, len(bids) + 1, dtype=np.int64)
    return encode_tick_record(
        QuoteBatch(
            instrument=instrument,
            feed=feed,
            ts_event_ns=column,
            ts_received_ns=column,
            bid=np.array(bids),
            ask=np.array(bids) + 1.0,
        )
    )


async def test_the_tail_has_where_the_trades_end_and_the_newest_quotes_of_each_feed(
    embedded_broker: str,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=embedded_broker)
    authority = FeedAuthority(
        instrument=GOLD, feed="coinbase", since_ns=5, reason=AuthorityReason.OTHER_STALE, previous="kraken"
    )
    async with Publisher(kafka, client_id="test") as publisher:
        for value in (
            trades(GOLD, "kraken", "7", "9", "8"),
            # Another leg of the same log, a venue without contiguous ids, and a record that cannot be read.
            trades(IWM, "kraken", "1000"),
            trades(GOLD, "alpaca", "", "not-a-number"),
            b"{",
            encode_tick_record(authority),
            quotes(GOLD, "coinbase", 10.0, 11.0),
            quotes(GOLD, "coinbase", 12.0),
            quotes(IWM, "coinbase", 99.0),
        ):
            await publisher.publish(TICKS.name, key=GOLD, value=value)
        # Another lead's log, in whichever partition.
        await publisher.publish(TICKS.name, key=IWM, value=trades(GOLD, "kraken", "5000"))

    trades_seen = PublishedTrades()
    tails = LogTails(kafka, leads={GOLD: (GOLD,)}, trades=trades_seen)
    tail = await tails.of(GOLD)

    assert tails.trades_until(GOLD, "kraken") == PublishedUntil(last_id=9, last_ns=2)
    assert tails.trades_until(GOLD, "alpaca") is None
    assert tail.quotes == {"coinbase": [(1, 10.0, 11.0), (2, 11.0, 12.0), (1, 12.0, 13.0)]}
    assert tail.feed == "coinbase"


async def test_an_empty_log_has_an_empty_tail(embedded_broker: str) -> None:
    tails = LogTails(
        KafkaSettings(bootstrap_servers=embedded_broker), leads={GOLD: (GOLD,)}, trades=PublishedTrades()
    )
    tail = await tails.of(GOLD)
    assert (tail.quotes, tail.feed, tails.trades_until(GOLD, "kraken")) == ({}, None, None)
