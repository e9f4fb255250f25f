"""Publish until Kafka has the record: while the broker is unreachable, wait and try again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from services.ingestor.kafka.publishing_right import RightLapsed
from services.ingestor.metrics import IngestorMetrics
from shared.domain.backoff import Backoff
from shared.errors import BrokerUnavailable
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)
_T = TypeVar("_T")

# Kafka is our own and near: retry sooner and more often than with a provider.
_BASE_SECONDS: Final = 0.1
_CAP_SECONDS: Final = 5.0


class RetryingPublisher:
    """Retry each record with back-off until it is acknowledged.

    Parameters
    ----------
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self, publisher: Publisher, *, metrics: IngestorMetrics, uniform: Callable[[], float]
    ) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._uniform = uniform
        self._is_reachable: bool | None = None

    def problem(self) -> str | None:
        """Return what is wrong with Kafka, or None; for the readiness probe."""
        if self._is_reachable:
            return None
        return (
            "Kafka has not acknowledged the last record"
            if self._is_reachable is False
            else "no record sent yet"
        )

    async def publish(self, topic: str, *, key: str, value: bytes) -> None:
        """Return once all replicas have the record."""
        await self._until_acknowledged(topic, lambda: self._publisher.publish(topic, key=key, value=value))

    async def publish_together(
        self,
        topic: str,
        *,
        key: str,
        values: Sequence[bytes],
        may_publish: Callable[[], bool] | None = None,
    ) -> int:
        """Publish as many of the records, from the first on, as fit one request; return how many.

        Returns once all replicas have them.

        Parameters
        ----------
        may_publish
            Asked before each attempt.

        Raises
        ------
        RightLapsed
            If it says no; an earlier attempt may have succeeded without an acknowledgement.
        """

        async def send() -> int:
            if may_publish is not None and not may_publish():
                raise RightLapsed
            return await self._publisher.publish_together(topic, key=key, values=values)

        return await self._until_acknowledged(topic, send)

    async def _until_acknowledged(self, topic: str, send: Callable[[], Awaitable[_T]]) -> _T:
        backoff = Backoff(uniform=self._uniform, base_seconds=_BASE_SECONDS, cap_seconds=_CAP_SECONDS)
        while True:
            try:
                sent = await send()
            except BrokerUnavailable as error:
                self._metrics.publish_failures.labels(topic).inc()
                if self._is_reachable is not False:
                    log.warning("kafka_became_unreachable", topic=topic, error=str(error))
                self._is_reachable = False
                await asyncio.sleep(backoff.failed(live_seconds=0.0))
            else:
                if self._is_reachable is False:
                    log.warning("kafka_became_reachable", topic=topic)
                self._is_reachable = True
                return sent
