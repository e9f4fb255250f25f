"""``convex backtest`` by its files: what it writes, and what it says when it cannot."""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from convex.cli import main
from services.signals.backtest.writing import write_whole
from shared.errors import ConfigError

COLUMNS = (
    "session,gold,iwm,log_ratio,z_90,pctl_90,corr_20,corr_60,corr_90,corr_252,spearman_60,ewm_corr_20,beta_60,"
    "hedge_ratio_60,hedge_effectiveness_60,vol_gold_20,vol_iwm_20,lead_lag_120,stress_corr_252,half_life_252,regime"
)


def days(count: int, *, first: str = "2018-01-02") -> list[str]:
    begin = date.fromisoformat(first)
    return [(begin + timedelta(days=number)).isoformat() for number in range(count)]


@pytest.fixture(scope="module")
def closes() -> tuple[list[str], list[str]]:
    """Return rows of two legs over a year and a half: every date, session or not, and a shock at the end."""
    rng = np.random.default_rng(5)
    dates = days(560)
    iwm = 150 * np.exp(np.cumsum(rng.normal(0, 0.01, len(dates))))
    gold = 1_300 * np.exp(np.cumsum(rng.normal(0, 0.005, len(dates))))
    gold[-20:] *= 1.25
    return (
        [f"{day},{close:.2f}\n" for day, close in zip(dates, gold, strict=True)],
        [f"{day},{close:.2f},{close * 0.9:.4f}\n" for day, close in zip(dates, iwm, strict=True)],
    )


@pytest.fixture
def files(tmp_path: Path, closes: tuple[list[str], list[str]]) -> tuple[Path, Path]:
    gold, iwm = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    gold.write_text("date,close\n" + "".join(closes[0]))
    iwm.write_text("date,close,adj_close\n" + "".join(closes[1]))
    return gold, iwm


class Run:
    """One run of the command in this process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.stats, self.events = folder / "stats.csv", folder / "events.jsonl"
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str]:
        """Return the exit code and what was said on stderr."""
        outputs = ("--stats", self.stats, "--events", self.events)
        argv = ["convex", "backtest", *map(str, (*outputs, *arguments))]
        self._monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as exit_:
            main()
        return int(exit_.value.code or 0), self._capsys.readouterr().err

    def rows(self) -> list[dict[str, str]]:
        with self.stats.open() as lines:
            return list(csv.DictReader(lines))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, monkeypatch, capsys)


def test_statistics_have_the_published_columns_and_one_row_for_each_session(
    run: Run, files: tuple[Path, Path]
) -> None:
    code, said = run("--gold", files[0], "--iwm", files[1])

    assert code == 0, said
    text = run.stats.read_text()
    assert text.splitlines()[0] == COLUMNS
    assert "\r" not in text
    rows = run.rows()
    sessions = [row["session"] for row in rows]
    assert sessions == sorted(set(sessions))
    assert sessions[0] == "2018-01-02"
    assert "2018-07-04" not in sessions
    assert f"{len(rows)} sessions" in said


def test_gaps_are_empty_and_floats_are_as_repr(run: Run, files: tuple[Path, Path]) -> None:
    run("--gold", files[0], "--iwm", files[1])
    rows = run.rows()

    assert rows[0]["z_90"] == rows[0]["corr_20"] == rows[0]["regime"] == ""
    assert rows[89]["z_90"] == ""
    assert rows[90]["z_90"] != ""
    for row in rows:
        for name, cell in row.items():
            if name not in ("session", "regime", "lead_lag_120") and cell:
                assert repr(float(cell)) == cell
        assert row["lead_lag_120"] == "" or row["lead_lag_120"].lstrip("-").isdigit()
    assert rows[-1]["gold"] == repr(float(files[0].read_text().splitlines()[-1].split(",")[1]))


def test_same_files_give_the_same_bytes(run: Run, files: tuple[Path, Path]) -> None:
    outputs = []
    for _ in range(2):
        assert run("--gold", files[0], "--iwm", files[1])[0] == 0
        outputs.append((run.stats.read_bytes(), run.events.read_bytes()))

    assert outputs[0] == outputs[1]
    assert outputs[0][1].count(b"\n") >= 1
    assert outputs[0][1].startswith(b'{"schema":"divergences","v":1,"type":"open"')


def test_files_cut_in_two_give_the_bytes_of_the_whole(
    run: Run, files: tuple[Path, Path], tmp_path: Path, closes: tuple[list[str], list[str]]
) -> None:
    run("--gold", files[0], "--iwm", files[1])
    whole = run.stats.read_bytes(), run.events.read_bytes()
    arguments: list[str | Path] = []
    for leg, header, rows in (
        ("gold", "date,close\n", closes[0]),
        ("iwm", "date,close,adj_close\n", closes[1]),
    ):
        for number, half in enumerate((rows[:300], rows[300:])):
            path = tmp_path / f"{leg}{number}.csv"
            path.write_text(header + "".join(half))
            arguments += [f"--{leg}", path]

    assert run(*arguments)[0] == 0

    assert (run.stats.read_bytes(), run.events.read_bytes()) == whole


def test_start_and_end_cut_the_rows_and_not_the_windows(run: Run, files: tuple[Path, Path]) -> None:
    run("--gold", files[0], "--iwm", files[1])
    whole = run.rows()

    assert run("--gold", files[0], "--iwm", files[1], "--start", "2019-01-02", "--end", "2019-02-01")[0] == 0

    assert run.rows() == [row for row in whole if "2019-01-02" <= row["session"] <= "2019-02-01"]
    assert len(run.rows()) == 22


def test_ticks_after_the_history_are_sampled_at_each_close(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    lines = files[0].read_text().splitlines(keepends=True)
    gold = tmp_path / "gold_until.csv"
    gold.write_text("".join(line for line in lines if not line.startswith("2019-0")))
    ticks = tmp_path / "ticks.csv"
    ticks.write_text(
        "ts_utc,bid,ask\n"
        "2019-01-02T20:59:59Z,1290.0,1291.0\n"
        "2019-01-02T21:00:00Z,1291.0,1292.0\n"
        "2019-01-02T21:00:01Z,1400.0,1401.0\n"
    )

    code, said = run("--gold", gold, "--gold", ticks, "--iwm", files[1], "--end", "2019-01-02")

    assert code == 0, said
    assert "3 ticks" in said
    last = run.rows()[-1]
    assert (last["session"], last["gold"]) == ("2019-01-02", "1291.5")


def test_thresholds_come_from_the_rules_file(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[ratio_stretch]\nwarning = 90.0\ncritical = 99.0\n")

    assert run("--gold", files[0], "--iwm", files[1], "--rules", rules)[0] == 0

    assert run.events.read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,close\n2019-01-02,abc\n", "row 2: close: must be a positive number, was 'abc'"),
        ("day,close\n2019-01-02,5\n", "row 1: date: column is missing"),
        ("date,close\n2019-01-03,5\n2019-01-02,5\n", "row 3: date: 2019-01-02 comes after 2019-01-03"),
        ("date,close\n1999-06-01,5\n", "no session in common"),
        ("ts_utc,bid,ask\n2019-01-02T15:00:00Z,5,4\n", "row 2: bid: 5.0 is above the ask 4.0"),
        ("", "row 1: date: column is missing"),
    ],
)
def test_bad_file_ends_with_one_line_and_writes_nothing(
    run: Run, files: tuple[Path, Path], tmp_path: Path, text: str, said: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(text)

    code, err = run("--gold", bad, "--iwm", files[1])

    assert code == 2
    assert [line for line in err.splitlines() if line.strip()][-1].startswith(f"convex: {bad}: ")
    assert said in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "gold.csv", "iwm.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pair", "oil-gas"), "--pair oil-gas: is not known; known are gold-iwm"),
        (("--start", "2019-02-01", "--end", "2019-01-01"), "--start 2019-02-01: is after --end 2019-01-01"),
        (("--events", "no/such/folder/e.jsonl"), "no/such/folder/e.jsonl: its folder does not exist"),
        (("--stats", "."), ".: is a folder; name a file"),
        (("--rules", "no.toml"), "no.toml: cannot be read: No such file or directory"),
    ],
)
def test_bad_argument_ends_with_one_line_and_writes_nothing(
    run: Run, files: tuple[Path, Path], arguments: tuple[str, ...], said: str
) -> None:
    code, err = run("--gold", files[0], "--iwm", files[1], *arguments)

    assert code == 2
    assert err.strip().startswith(f"convex: {said}")
    assert len(err.strip().splitlines()) == 1
    assert not run.stats.exists()
    assert not run.events.exists()


def test_failed_write_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "stats.csv"
    target.mkdir()
    (target / "mine").write_bytes(b"before")

    with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
        write_whole(target, b"after")

    assert [path.name for path in tmp_path.iterdir()] == ["stats.csv"]
    assert (target / "mine").read_bytes() == b"before"
