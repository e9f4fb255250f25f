"""(g) Questions about the past: a backtest and a tick file against pandas, the start, and one commit."""

import csv
import gzip
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.market import load_market
from bench.past.cpu import cpu_seconds
from bench.past.files import write_daily_files, write_tick_files
from bench.past.one_commit import Commits, corrcoef_milliseconds
from bench.report import Figure, against, measured
from bench.rounds import interleave

_DAILY: Final = "convex backtest, daily"
_PANDAS: Final = "pandas and numpy, vectorised: the same columns, no events"
_TICKS: Final = "convex backtest, ticks"
_GZIP: Final = "convex backtest, ticks in gzip"
_READ: Final = "pandas.read_csv of the tick file"
_READ_INSTANTS: Final = "pandas.read_csv with parse_dates"
_READ_GZIP: Final = "pandas.read_csv of the gzip"
_HELP: Final = "convex --help"
_NOTHING: Final = "python -c pass"
_COMMIT: Final = "one commit"
_CORRCOEF: Final = "np.corrcoef of 600 pairs"
# Rolling sums of pandas carry the rounding of what has left the window.
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    rounds: int
    sessions: int
    ticks: int
    commits: int


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    size = (
        _Size(rounds=1, sessions=600, ticks=200_000, commits=20)
        if is_quick
        else _Size(rounds=5, sessions=4_602, ticks=2_000_000, commits=100)
    )
    market = load_market()
    with tempfile.TemporaryDirectory(prefix="bench-past-") as name:
        folder = Path(name)
        on_round("writing the files")
        commands = _commands(folder, size)
        for title, arguments in commands.items():
            # Bytecode is written, and the files are in the page cache.
            on_round(f"warming up: {title}")
            cpu_seconds(arguments, folder)
        _require_same_columns(folder / "daily_stats.csv", folder / "pandas_stats.csv")
        commits = Commits()
        commits.milliseconds(size.commits)
        contestants: dict[str, Callable[[], float]] = {
            title: lambda arguments=arguments: cpu_seconds(arguments, folder)  # type: ignore[misc]  # bound at once
            for title, arguments in commands.items()
        }
        contestants[_COMMIT] = lambda: commits.milliseconds(size.commits)
        contestants[_CORRCOEF] = lambda: corrcoef_milliseconds(10_000)
        results = interleave(contestants, size.rounds, on_round)
    label = (
        f"{size.rounds} rounds, CPU of whole processes with imports; {size.sessions:,} made-up sessions; "
        f"{market.head(size.ticks).bid.size:,} of {market.label}"
    )
    return label, _figures(results)


def _commands(folder: Path, size: _Size) -> dict[str, list[str]]:
    gold, iwm = write_daily_files(folder, size.sessions)
    daily_gold, daily_iwm, ticks = write_tick_files(folder, load_market(), size.ticks)
    packed = folder / "ticks.csv.gz"
    packed.write_bytes(gzip.compress(ticks.read_bytes(), compresslevel=6))
    read = "import sys, pandas; pandas.read_csv(sys.argv[1])"
    instants = "import sys, pandas; pandas.read_csv(sys.argv[1], parse_dates=['ts_utc'])"
    return {
        _DAILY: _backtest(folder, "daily", [gold], iwm),
        _PANDAS: ["-m", "bench.past.pandas_backtest", str(gold), str(iwm), str(folder / "pandas_stats.csv")],
        _TICKS: _backtest(folder, "ticks", [daily_gold, ticks], daily_iwm),
        _READ: ["-c", read, str(ticks)],
        _READ_INSTANTS: ["-c", instants, str(ticks)],
        _GZIP: _backtest(folder, "gzip", [daily_gold, packed], daily_iwm),
        _READ_GZIP: ["-c", read, str(packed)],
        _HELP: ["-m", "convex", "--help"],
        _NOTHING: ["-c", "pass"],
    }


def _backtest(folder: Path, name: str, gold: list[Path], iwm: Path) -> list[str]:
    files = [part for path in gold for part in ("--gold", str(path))]
    out = ["--stats", str(folder / f"{name}_stats.csv"), "--events", str(folder / f"{name}_events.jsonl")]
    return ["-m", "convex", "backtest", *files, "--iwm", str(iwm), *out]


def _figures(results: dict[str, list[float]]) -> list[Figure]:
    def row(name: str, title: str, unit: str, *, at_most: float | None = None, note: str = "") -> Figure:
        return measured("g", title, results[name], unit, at_most=at_most, note=note)

    daily = row(_DAILY, "backtest of daily closes, events, hedge and outcomes included", "s")
    ticks = row(_TICKS, "backtest of a tick file", "s")
    packed = row(_GZIP, "backtest of the same file in gzip", "s")
    start = row(_HELP, "start of the command line", "s", at_most=0.25, note="convex --help")
    commit = row(_COMMIT, "a session's commit of one pair, 800 sessions of history", "ms", at_most=3.0)
    return [
        daily,
        against(daily, results[_DAILY], _PANDAS, results[_PANDAS], at_most=2.0),
        ticks,
        against(ticks, results[_TICKS], _READ, results[_READ], at_most=2.0, note="instants stay text"),
        against(ticks, results[_TICKS], _READ_INSTANTS, results[_READ_INSTANTS]),
        packed,
        against(packed, results[_GZIP], _READ_GZIP, results[_READ_GZIP]),
        start,
        against(start, results[_HELP], _NOTHING, results[_NOTHING]),
        commit,
        against(commit, results[_COMMIT], _CORRCOEF, results[_CORRCOEF]),
    ]


def _require_same_columns(ours: Path, theirs: Path) -> None:
    """Stop the benchmark when both sides do not compute the same table."""
    with ours.open() as left, theirs.open() as right:
        mine, other = list(csv.DictReader(left)), list(csv.DictReader(right))
    if len(mine) != len(other) or mine[0].keys() != other[0].keys():
        raise RuntimeError(f"tables differ: {len(mine)} rows and {len(other)} rows")
    for row, (a, b) in enumerate(zip(mine, other, strict=True), 2):
        for column, text in a.items():
            if not _is_same(text, b[column]):
                raise RuntimeError(
                    f"row {row}, session {a['session']}: {column} is {text!r} and {b[column]!r} by pandas"
                )


def _is_same(text: str, other: str) -> bool:
    if text == other:
        return True
    try:
        return math.isclose(float(text), float(other), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    except ValueError:
        return False
