"""Write result files whole or not at all."""

import csv
import io
from pathlib import Path

from services.signals.backtest.replaying import Replayed
from services.signals.backtest.stats_csv import COLUMNS
from shared.contracts.records import DIVERGENCES
from shared.errors import ConfigError


def require_writable(path: Path) -> None:
    """Refuse an output that could not be written, before hours of work.

    Raises
    ------
    ConfigError
        If its folder does not exist or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: its folder does not exist; create it first")
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file")


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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there: a reader sees all of it or what was there before.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
