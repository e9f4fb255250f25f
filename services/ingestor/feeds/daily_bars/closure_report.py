"""Say which days the exchange was closed on though its calendar does not know, and what to do about it."""

from collections.abc import Collection
from typing import Protocol

import structlog

from services.ingestor.core.inferred_closures import InferredClosures
from services.ingestor.metrics import IngestorMetrics
from shared.domain.closures import XNYS

log = structlog.get_logger(__name__)


class ClosureEvidence(Protocol):
    """What the pulls of all listed symbols say together."""

    def on_pull(
        self, instrument: str, *, missing: Collection[str], present: Collection[str], now_ns: int
    ) -> frozenset[str]:
        """Note what an answer had and had not; return the days that count as closed."""
        ...


class NoEvidence:
    """For a feed whose sessions are all sessions."""

    def on_pull(
        self, _: str, *, missing: Collection[str], present: Collection[str], now_ns: int
    ) -> frozenset[str]:
        """Return none."""
        del missing, present, now_ns
        return frozenset()


class ClosureReport:
    """Report the inferred closures as they come and go."""

    def __init__(self, closures: InferredClosures, *, metrics: IngestorMetrics) -> None:
        self._closures = closures
        self._metrics = metrics
        self._reported: frozenset[str] = frozenset()

    def on_pull(
        self, instrument: str, *, missing: Collection[str], present: Collection[str], now_ns: int
    ) -> frozenset[str]:
        """Note what an answer had and had not; return the days that count as closed."""
        self._closures.on_pull(instrument, missing=missing, present=present, now_ns=now_ns)
        closed = frozenset(self._closures.closed(now_ns=now_ns))
        for session in sorted(closed - self._reported):
            log.warning(
                "closure_inferred",
                session=session,
                why="no source has a bar of it, and no listed symbol has ticked",
                advice=f"if the exchange was closed, set CONVEX_CLOSURES={XNYS}:{session} for every service",
            )
        for session in sorted(self._reported - closed):
            log.info("closure_withdrawn", session=session)
        self._reported = closed
        self._metrics.closures_inferred.set(len(closed))
        return closed
