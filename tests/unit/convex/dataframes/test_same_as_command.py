"""A backtest of DataFrames gives the bytes that the command writes for files with the same rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import convex
from convex.cli import app
from tests.unit.convex.dataframes.made_up_legs import made_up_legs, made_up_quotes, write_quotes

_RULES = """
[ratio_stretch]
warning = 1.5
critical = 3.0
leave = 0.5

[correlation_break]
enabled = false
"""
_SAME_RULES: dict[str, Any] = {
    "ratio_stretch": {"warning": 1.5, "critical": 3.0, "leave": 0.5},
    "correlation_break": {"enabled": False},
}


class Command:
    """The command, and what it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *arguments: str | Path) -> tuple[bytes, bytes]:
        """Return the bytes of the statistics and of the events."""
        stats, events = self._folder / "stats.csv", self._folder / "events.jsonl"
        given = ["backtest", *map(str, arguments), "--stats", str(stats), "--events", str(events)]
        ran = CliRunner().invoke(app, given, catch_exceptions=False)
        assert ran.exit_code == 0
        return stats.read_bytes(), events.read_bytes()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def _bytes(result: convex.BacktestResult, folder: Path) -> tuple[bytes, bytes]:
    stats, events = folder / "own_stats.csv", folder / "own_events.jsonl"
    result.write(stats=stats, events=events)
    assert events.read_bytes() == result.event_lines
    return stats.read_bytes(), events.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--start", "2018-11-01"], {"start": "2018-11-01"}),
        (
            ["--start", "2018-11-01", "--end", "2019-01-31"],
            {"start": pd.Timestamp("2018-11-01"), "end": pd.Timestamp("2019-01-31").date()},
        ),
        (["--baseline", "0.4", "0.6"], {"baseline": (0.4, 0.6)}),
    ],
)
def test_daily_closes_give_the_same_statistics_and_events(
    arguments: list[str], options: dict[str, Any], command: Command, tmp_path: Path
) -> None:
    legs = made_up_legs()
    gold, iwm = legs.written(tmp_path)

    result = convex.backtest(legs.gold, legs.iwm, **options)

    assert _bytes(result, tmp_path) == command("--gold", gold, "--iwm", iwm, *arguments)
    assert result.event_values


def test_quotes_after_daily_closes_give_the_same_statistics_and_events(
    command: Command, tmp_path: Path
) -> None:
    legs, quotes = made_up_legs(), made_up_quotes()
    before = legs.gold[legs.gold.index < "2018-12-10"]
    gold, spot = tmp_path / "before.csv", write_quotes(tmp_path / "spot.csv", quotes)
    before.to_csv(gold, index_label="date", lineterminator="\n")
    iwm = legs.written(tmp_path)[1]
    wanted = command("--gold", gold, "--gold", spot, "--iwm", iwm)

    in_memory = convex.backtest([before, quotes], legs.iwm)

    assert _bytes(in_memory, tmp_path) == wanted
    # The closes of the last weeks are sampled from the quotes.
    assert in_memory.statistics.index[-1] > before.index[-1]
    assert _bytes(convex.backtest([gold, quotes], str(iwm)), tmp_path) == wanted
    assert _bytes(convex.backtest([before, spot], iwm), tmp_path) == wanted


def _as_file(folder: Path) -> Path:
    path = folder / "rules.toml"
    path.write_text(_RULES)
    return path


def _as_dictionary(_folder: Path) -> dict[str, Any]:
    return _SAME_RULES


def _as_rules(folder: Path) -> list[convex.Rule]:
    legs = made_up_legs(120)
    # In another order: that of the events does not depend on it.
    return list(convex.backtest(legs.gold, legs.iwm, rules=_as_file(folder)).rules)[::-1]


@pytest.mark.parametrize("given", [_as_file, _as_dictionary, _as_rules])
def test_rules_are_a_file_a_dictionary_or_objects(
    given: Callable[[Path], Any], command: Command, tmp_path: Path
) -> None:
    legs = made_up_legs()
    gold, iwm = legs.written(tmp_path)
    wanted = command("--gold", gold, "--iwm", iwm, "--rules", _as_file(tmp_path))

    result = convex.backtest(legs.gold, legs.iwm, rules=given(tmp_path))

    assert _bytes(result, tmp_path) == wanted
    assert "correlation_break" not in {rule.kind for rule in result.rules}
    assert result.event_lines != convex.backtest(legs.gold, legs.iwm).event_lines


def test_the_report_is_that_of_the_command_and_names_what_is_in_memory(
    command: Command, tmp_path: Path
) -> None:
    legs, report = made_up_legs(), tmp_path / "report.html"
    gold, iwm = legs.written(tmp_path)
    stats, events = tmp_path / "stats.csv", tmp_path / "events.jsonl"
    command("--gold", gold, "--iwm", iwm, "--report", report, "--report-paths", "0")
    wanted = report.read_text()

    convex.backtest(gold, iwm).write(stats=stats, events=events, report=report, report_paths=0)
    of_files = report.read_text()
    convex.backtest(legs.gold, legs.iwm).write(stats=stats, events=events, report=report, report_paths=0)
    in_memory = report.read_text()

    assert of_files == wanted
    assert "gold (in memory)" in in_memory
    assert "iwm (in memory)" in in_memory
    assert len(in_memory) > len(wanted) - 200


def test_nothing_is_written_while_frames_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str = "r", *_: Any, **__: Any) -> Any:
        assert not set(mode) & set("wax+"), f"{path} was opened to be written"
        return original(path, mode, *_, **__)

    original = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("tempfile.mkstemp", lambda *_, **__: pytest.fail("a temporary file was made"))
    monkeypatch.chdir(tmp_path)
    legs = made_up_legs(120)

    convex.backtest(legs.gold, legs.iwm)

    assert list(tmp_path.iterdir()) == []
