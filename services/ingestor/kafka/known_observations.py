"""Read back ``macro.v1`` at the start: which vintages of which dates are published."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from services.ingestor.kafka.known_records import read_values
from shared.config import KafkaSettings
from shared.contracts.records import MACRO
from shared.domain.macro import Observation
from shared.errors import DataError
from shared.kafka import topics


class KnownObservations:
    """Every published vintage of some series, read once for all of them.

    Parameters
    ----------
    series
        Whose observations to keep.
    kafka
        None: nothing is known.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self, kafka: KafkaSettings | None, series: frozenset[str], *, uniform: Callable[[], float]
    ) -> None:
        self._kafka = kafka
        self._series = series
        self._uniform = uniform
        self._reading = asyncio.Lock()
        self._observations: dict[str, dict[str, Observation]] | None = None

    async def of(self, series: str) -> tuple[Observation, ...]:
        """Return what is published of a series; wait until Kafka can be reached.

        A record that cannot be decoded is skipped: the next pull replaces it.
        """
        async with self._reading:
            if self._observations is None:
                self._observations = await self._read()
        return tuple(self._observations.get(series, {}).values())

    async def _read(self) -> dict[str, dict[str, Observation]]:
        observations: dict[str, dict[str, Observation]] = defaultdict(dict)
        if self._kafka is None:
            return observations
        for value in await read_values(
            self._kafka, topics.MACRO, client_id="convex-ingestor-macro", uniform=self._uniform
        ):
            try:
                observation = MACRO.decode(value)
            except DataError:
                continue
            if observation.series in self._series:
                observations[observation.series][observation.key] = observation
        return observations
