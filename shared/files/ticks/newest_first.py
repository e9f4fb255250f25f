"""Refuse a tick file whose newest row comes first before its rows are read one by one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.files.input_file import bad_file
from shared.files.ticks.recognition import TickColumns
from shared.files.ticks.rows import usable_instants

# Fewer rows show no order.
_LEAST_ROWS: Final = 3


def require_ascending(path: Path, lines: Sequence[str], columns: TickColumns) -> None:
    """Check the first rows of a file.

    Raises
    ------
    ConfigError
        If each of them is before the one above it, or at the same instant.
    """
    found = usable_instants(path, list(lines), columns)
    instants = [each for each in found if each is not None]
    if len(set(instants)) >= _LEAST_ROWS and instants == sorted(instants, reverse=True):
        problem = "has its newest row first; sort its rows by time, the oldest first, below the header"
        raise bad_file(path, problem, field=columns.names[0])
