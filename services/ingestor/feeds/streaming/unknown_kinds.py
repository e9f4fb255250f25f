"""Frames of a type that an adapter does not know: counted, and logged once for each type."""

from typing import Final

import structlog

from services.ingestor.metrics import IngestorMetrics

log = structlog.get_logger(__name__)

# A venue has a few dozen types; more different names are contents, and would fill the log.
MAX_KINDS: Final = 50


class UnknownKinds:
    """The unknown types of one feed.

    Venues add types and fields at any time. That is normal, and worth one line: it may be a better price.
    """

    def __init__(self, feed: str, *, metrics: IngestorMetrics) -> None:
        self._feed = feed
        self._metrics = metrics
        self._seen: set[str] = set()

    def note(self, kind: str) -> None:
        """Count a frame of an unknown type."""
        self._metrics.unknown_frames.labels(self._feed).inc()
        if kind in self._seen or len(self._seen) >= MAX_KINDS:
            return
        self._seen.add(kind)
        log.info("unknown_frame", feed=self._feed, kind=kind[:100], is_last_line=len(self._seen) == MAX_KINDS)
