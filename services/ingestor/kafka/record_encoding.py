"""Encode a record, or leave it out: one that cannot be written must not stop those behind it."""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from services.ingestor.metrics import IngestorMetrics

T = TypeVar("T")

log = structlog.get_logger(__name__)

_SHOWN_CHARACTERS: Final = 300


def encoded(record: T, encode: Callable[[T], bytes], *, topic: str, metrics: IngestorMetrics) -> bytes | None:
    """Return a record's bytes; None if it has none, which is counted and logged."""
    try:
        return encode(record)
    except Exception as error:
        metrics.records_unencodable.labels(topic).inc()
        log.exception(
            "record_unencodable",
            topic=topic,
            record=repr(record)[:_SHOWN_CHARACTERS],
            error=f"{type(error).__name__}: {error}",
        )
        return None
