"""Read back ``bars.v1`` at the start: which sessions are known, and at which revision."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from services.ingestor.kafka.known_records import read_values
from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.domain.bars import Bar
from shared.errors import DataError
from shared.kafka import topics


class KnownBars:
    """The newest version of each bar of some instruments, read once for all of them.

    Parameters
    ----------
    instruments
        Whose bars to keep; bars of other instruments are skipped.
    kafka
        None: nothing is known.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self, kafka: KafkaSettings | None, instruments: frozenset[str], *, uniform: Callable[[], float]
    ) -> None:
        self._kafka = kafka
        self._instruments = instruments
        self._uniform = uniform
        self._reading = asyncio.Lock()
        self._bars: dict[str, dict[str, Bar]] | None = None

    async def of(self, instrument: str) -> tuple[Bar, ...]:
        """Return an instrument's bars, ascending by session; wait until Kafka can be reached.

        A record that cannot be decoded is skipped: the next pull replaces it.
        """
        async with self._reading:
            if self._bars is None:
                self._bars = await self._read()
        bars = self._bars.get(instrument, {})
        return tuple(bars[session] for session in sorted(bars))

    async def _read(self) -> dict[str, dict[str, Bar]]:
        bars: dict[str, dict[str, Bar]] = defaultdict(dict)
        if self._kafka is None:
            return bars
        for value in await read_values(
            self._kafka, topics.BARS, client_id="convex-ingestor-bars", uniform=self._uniform
        ):
            try:
                bar = BARS.decode(value)
            except DataError:
                continue
            if bar.instrument in self._instruments:
                bars[bar.instrument][bar.session] = bar
        return bars
