"""``convex backtest`` on vendors' files: the bytes of the plain files' results, and what is noticed."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convex.cli import main
from shared.calendars import xnys_calendar
from tests.support.daily_vendors import VENDORS, Day, plain, plain_adjusted

Run = Callable[..., tuple[int, str, bytes]]


@pytest.fixture(scope="module")
def days() -> tuple[list[Day], list[Day]]:
    """Return 160 sessions of gold, which falls at the end, and of IWM."""
    rng = np.random.default_rng(7)
    sessions = [each for each in xnys_calendar().labels if each >= "2019-01-02"][:160]
    gold = 1_300 * np.exp(np.cumsum(rng.normal(0, 0.005, 160)))
    gold[-5:] *= 1.15
    iwm = 150 * np.exp(np.cumsum(rng.normal(0, 0.01, 160)))
    return (
        [
            Day(day, round(float(close), 2), round(float(close), 2))
            for day, close in zip(sessions, gold, strict=True)
        ],
        [
            Day(day, round(float(close), 2), round(float(close) * 0.9, 2))
            for day, close in zip(sessions, iwm, strict=True)
        ],
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_once(gold: str, iwm: str, *options: str) -> tuple[int, str, bytes]:
        """Return the exit code, what was said, and the bytes of statistics and events."""
        (tmp_path / "gold.csv").write_text(gold)
        (tmp_path / "iwm.csv").write_text(iwm)
        monkeypatch.chdir(tmp_path)
        argv = ["--gold", "gold.csv", "--iwm", "iwm.csv", "--stats", "s.csv", "--events", "e.jsonl", *options]
        monkeypatch.setattr(sys, "argv", ["convex", "backtest", *argv])
        with pytest.raises(SystemExit) as exit_:
            main()
        results = [Path(name) for name in ("s.csv", "e.jsonl")]
        written = b"".join(path.read_bytes() for path in results if path.exists())
        return int(exit_.value.code or 0), capsys.readouterr().err, written

    return run_once


def test_vendors_files_give_the_bytes_of_the_plain_ones(run: Run, days: tuple[list[Day], list[Day]]) -> None:
    gold, iwm = days
    _, said, expected = run(plain(gold), plain_adjusted(iwm))
    assert b'"open"' in expected
    assert "note: " not in said
    assert "warning: " not in said

    code, said, written = run(VENDORS["investing"].render(gold), VENDORS["tiingo"].render(iwm))

    assert (code, written) == (0, expected)
    assert (
        "note: gold.csv: read as --format investing (Investing.com, English editions); the newest row" in said
    )
    assert "note: iwm.csv: read as --format tiingo (Tiingo end of day)\n" in said


def test_options_reach_the_reader(run: Run, days: tuple[list[Day], list[Day]]) -> None:
    gold = [day for day in days[0] if int(day.session[8:]) <= 12]
    iwm = [day for day in days[1] if int(day.session[8:]) <= 12]
    _, _, expected = run(plain(gold), plain(iwm))
    texts = (
        "date;close\n" + "".join(f"{day.date:%d/%m/%Y};{day.close}\n" for day in gold),
        "date;close\n"
        + "".join(f"{day.date:%d/%m/%Y} 16:00;{day.close}\n" for day in iwm)
        + "31/12/2019 16:00;x\n",
    )

    code, said, written = run(
        *texts,
        "--date-order",
        "dmy",
        "--timezone",
        "America/New_York",
        "--skip-bad-rows",
        "--format",
        "plain",
    )

    assert (code, written) == (0, expected)
    assert "note: iwm.csv: bad rows left out: 1 of " in said
    assert "warning: iwm.csv: has no adj_close: " in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--format", "yaho"),
            "convex: --format yaho: is not known; did you mean yahoo? known are alphavantage, ",
        ),
        (
            ("--timezone", "Mars"),
            "convex: --timezone Mars: is not a zone; give one like America/New_York or UTC",
        ),
        (
            (),
            "convex: gold.csv: row 2: Date: '01/02/2019' may have the day or the month first, and no row",
        ),
    ],
)
def test_option_that_cannot_be_used_is_one_line(
    run: Run, days: tuple[list[Day], list[Day]], options: tuple[str, ...], said: str
) -> None:
    text = "Date,Open,High,Low,Close\n" + "".join(f"{day.date:%m/%d/%Y},1,2,3,4\n" for day in days[0][:5])

    code, err, written = run(text, plain(days[1]), *options)

    assert (code, written) == (2, b"")
    assert err.startswith(said)
    assert err.count("\n") == 1
