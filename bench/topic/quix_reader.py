"""quixstreams with the same decoder and the same statistics: z of every tick, and how many reach the warning.

Started as a process of its own: ``python -m bench.topic.quix_reader BOOTSTRAP RECORDS GROUP``.
"""

import json
import sys
import time

import numpy as np
from quixstreams import Application

from bench.engine.peers import WINDOW
from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import decode_tick_record
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.ticks import QuoteBatch
from shared.kafka.topics import TICKS


class Statistics:
    """Decode a record; the history fills the window, each batch of quotes becomes z-scores."""

    def __init__(self, records: int) -> None:
        self.ticks = self.seen = self.hits = 0
        self.began = self.ended = 0.0
        self._records = records
        self._legs: list[dict[str, float]] = []
        self._mean = self._std = self._other = 0.0
        self._warning = Rule().warning

    def __call__(self, value: bytes) -> int:
        """Return how many ticks of the record are at or above the warning."""
        record = decode_tick_record(value)
        self.seen += 1
        hits = 0
        if isinstance(record, QuoteBatch):
            mids = (record.bid + record.ask) * 0.5
            z = (np.log(mids / self._other) - self._mean) / self._std
            hits = int(np.count_nonzero(np.abs(z) >= self._warning))
            self.ticks += len(mids)
        elif isinstance(record, BarBatch) and record.mode is BarsMode.HISTORY:
            self._fill(record)
        self.hits += hits
        if self.seen == 2:
            self.began = time.monotonic()
        if self.seen == self._records:
            self.ended = time.monotonic()
        return hits

    def _fill(self, batch: BarBatch) -> None:
        self._legs.append({bar.session: bar.adj_close for bar in batch.bars})
        if len(self._legs) == 2:
            lead, other = self._legs
            closes = np.log(np.array([lead[each] / other[each] for each in lead if each in other]))[-WINDOW:]
            self._mean, self._std = float(closes.mean()), float(closes.std(ddof=1))
            self._other = batch.bars[-1].adj_close


def main(bootstrap: str, records: int, group: str) -> None:
    """Run the application until it has seen every record."""
    app = Application(
        broker_address=bootstrap, consumer_group=group, auto_offset_reset="earliest", loglevel="ERROR"
    )
    topic = app.topic(TICKS.name, key_deserializer="bytes", value_deserializer="bytes")
    statistics = Statistics(records)
    app.dataframe(topic).apply(statistics)
    app.run(count=records, timeout=60)
    print(json.dumps({"ticks": statistics.ticks, "seconds": statistics.ended - statistics.began}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
