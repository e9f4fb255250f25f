"""Results as the bytes of files."""

import csv
import io

from convex.backtest.replay import Replayed
from convex.backtest.stats_csv import COLUMNS
from shared.contracts.records import DIVERGENCES


def stats_bytes(replayed: Replayed) -> bytes:
    """Return the statistics file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(replayed.rows)
    return text.getvalue().encode()


def events_bytes(replayed: Replayed) -> bytes:
    """Return the events file: one line each, the very bytes that the live service publishes."""
    return b"".join(DIVERGENCES.encode(event) + b"\n" for event in replayed.events)
