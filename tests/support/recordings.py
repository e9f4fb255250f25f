"""Parts of the real market data, cut into files for one test."""

import gzip
from pathlib import Path

from tests.support.data import shared_data

_TICKS = "xauusd_ticks_oanda_lean_20140501_20140515.csv.gz"


def cut_ticks(folder: Path, *, begin: str, end: str) -> Path:
    """Return a file with the gold quotes from ``begin`` to before ``end`` (``ts_utc`` as text)."""
    path = folder / "ticks.csv"
    with gzip.open(shared_data(_TICKS), "rt") as lines:
        header = next(lines)
        rows = [line for line in lines if begin <= line[: len(begin)] and line[: len(end)] < end]
    path.write_text(header + "".join(rows))
    return path


def cut_daily(folder: Path, leg: str, *, last: str) -> Path:
    """Return a file with a leg's daily rows up to and including ``last``."""
    path = folder / f"{leg}.csv"
    header, *rows = shared_data(f"pair_{leg}_daily_20121114_20210331.csv").read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows if row[:10] <= last), ""]))
    return path
