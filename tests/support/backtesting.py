"""Run ``convex backtest`` as a person would."""

import subprocess
import sys
from pathlib import Path


def backtest(folder: Path, *arguments: str | Path) -> tuple[Path, list[bytes]]:
    """Return the statistics file and the lines of the events file."""
    stats, events = folder / "stats.csv", folder / "events.jsonl"
    command = [sys.executable, "-m", "convex", "backtest", *map(str, arguments)]
    done = subprocess.run(
        [*command, "--stats", str(stats), "--events", str(events)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return stats, events.read_bytes().splitlines()
