"""Records of a partition as a consumer returns them, in batches cut anywhere."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class LogRecord(NamedTuple):
    """One record: what a worker decides by."""

    offset: int
    value: bytes | None


def log_records(values: Sequence[bytes | None], *, first: int = 0) -> list[LogRecord]:
    """Return records with ascending offsets."""
    return [LogRecord(offset, value) for offset, value in enumerate(values, first)]


def cut_in_batches(
    records: Sequence[LogRecord], rng: random.Random, *, most: int
) -> Iterator[list[LogRecord]]:
    """Cut records into batches of one to ``most``, as fetches would."""
    begin = 0
    while begin < len(records):
        size = rng.randint(1, most)
        yield list(records[begin : begin + size])
        begin += size
