"""What ``convex backtest`` writes about real market data, which is not part of the project."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.recordings import cut_daily

_ROOT = Path(__file__).resolve().parents[2]
# Changes with each release, and says nothing about behaviour.
_CODE_VERSION = re.compile(rb'"code_version":"[^"]*"')
LEVELS = """
[ratio_stretch]
warning = 1.2
critical = 1.5
leave = 0.6
"""


def backtest_of_the_shared_pair(folder: Path) -> dict[str, bytes]:
    """Return events, statistics and report of the whole daily history, with the published rules."""
    gold, iwm = (cut_daily(folder, leg, last="9999") for leg in ("gold", "iwm"))
    return _backtest(folder, "--gold", gold, "--iwm", iwm)


def backtest_of_two_million_ticks(folder: Path, ticks: Path) -> dict[str, bytes]:
    """Return the same of fifteen days of quotes after eighteen months of closes, with low levels."""
    rules = folder / "rules.toml"
    rules.write_text(LEVELS)
    gold, iwm = cut_daily(folder, "gold", last="2014-04-30"), cut_daily(folder, "iwm", last="2014-05-15")
    return _backtest(folder, "--gold", gold, "--gold", ticks, "--iwm", iwm, "--rules", rules)


def _backtest(folder: Path, *arguments: str | Path) -> dict[str, bytes]:
    outputs = {name: folder / name for name in ("events.jsonl", "stats.csv", "report.html")}
    command = [sys.executable, "-m", "convex", "backtest", *map(str, arguments)]
    for option, path in zip(("--events", "--stats", "--report"), outputs.values(), strict=True):
        command += [option, str(path)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {
        name: _CODE_VERSION.sub(b'"code_version":"golden"', path.read_bytes())
        for name, path in outputs.items()
    }
