"""``convex backtest`` by its files: what it writes, and what it says when it cannot."""

import csv
import json
import math
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from convex.backtesting.replay import replay
from convex.cli import main
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, PUBLISHED_RULES
from shared.domain.divergences import Kind
from shared.domain.instants import from_ns
from shared.files.timeline import Recording
from tests.support import builders_market

COLUMNS = (
    "session,gold,iwm,log_ratio,z_90,pctl_90,corr_20,corr_60,corr_90,corr_252,spearman_60,ewm_corr_20,beta_60,"
    "hedge_ratio_60,hedge_effectiveness_60,vol_gold_20,vol_iwm_20,lead_lag_120,stress_corr_252,half_life_252,regime,e_break"
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


def test_openings_are_counted_by_kind_at_the_end(run: Run, files: tuple[Path, Path]) -> None:
    _, said = run("--gold", files[0], "--iwm", files[1])

    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    opened = [event["kind"] for event in events if event["type"] == "open"]
    assert opened
    counts = [f"{rule.kind} {opened.count(rule.kind)}" for rule in DEFAULT_RULES]
    assert f"opened: {', '.join(counts)}" in " ".join(said.split())


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


def test_start_cuts_the_rows_and_not_the_windows_of_ticks(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Would have caught: ticks before ``--start`` were dropped, and windows had holes where they were."""
    lines = files[0].read_text().splitlines(keepends=True)
    gold = tmp_path / "gold_until.csv"
    gold.write_text("".join(line for line in lines if not line.startswith("2019-0")))
    ticks = tmp_path / "ticks.csv"
    rows = "".join(f"2019-01-{day:02}T20:59:59Z,{1290 + day}.0,{1291 + day}.0\n" for day in range(2, 17))
    ticks.write_text(f"ts_utc,bid,ask\n{rows}2019-01-16T21:00:01Z,1300.0,1301.0\n")
    arguments = ("--gold", gold, "--gold", ticks, "--iwm", files[1], "--end", "2019-01-16")
    assert run(*arguments)[0] == 0
    whole = [row for row in run.rows() if row["session"] >= "2019-01-10"]

    assert run(*arguments, "--start", "2019-01-10")[0] == 0

    assert len(whole) == 5
    assert run.rows() == whole


def test_bars_of_one_instant_are_evaluated_together(tmp_path: Path) -> None:
    """Would have caught: a hold that ends at 20:15 opened by gold's bar, a moment before IWM's denied it."""
    calendar, market = builders_market.calendar(), builders_market.pair()
    days = calendar.labels[:101]
    gold, iwm, spot = tmp_path / "gold.csv", tmp_path / "iwm.csv", tmp_path / "spot.csv"
    # Gold swings slowly: the move of one session is small, so the next close is expected near the price.
    swing = [1.0 + 0.01 * math.sin(number / 7) for number in range(100)]
    flutter = [1.0 + 0.001 * (-1) ** number for number in range(100)]
    # The last day IWM makes good what gold has gained.
    closes = [f"{day},{1_300 * each}\n" for day, each in zip(days, [*swing, 1.025], strict=True)]
    others = [f"{day},{150 * each}\n" for day, each in zip(days, [*flutter, 1.025], strict=True)]
    gold.write_text("date,close\n" + "".join(closes))
    iwm.write_text("date,close\n" + "".join(others))
    begin = from_ns(builders_market.ny(f"{days[-1]} 20:10"))
    minutes = [begin + timedelta(minutes=number) for number in range(5)]
    spot.write_text("ts_utc,bid,ask\n" + "".join(f"{at:%Y-%m-%dT%H:%M:%SZ},1332,1333\n" for at in minutes))

    def events(*, hold_seconds: int) -> int:
        replayed = replay(
            Recording(lead_files=(gold, spot), other_files=(iwm,)),
            pair=market,
            rules=(Rule(hold_seconds=hold_seconds, stale_after_seconds=3_600),),
            calendar=calendar,
            code_version="0",
        )
        return len(replayed.events)

    # A second less, and the hold was over before either bar was known.
    assert events(hold_seconds=299) > 0
    assert events(hold_seconds=300) == 0


def test_closes_that_enter_the_windows_late_have_their_own_rows_and_are_evaluated_once(
    tmp_path: Path,
) -> None:
    """Would have caught: ten equal rows, and an opening dated before the end of the fault before it."""
    calendar, market = builders_market.calendar(), builders_market.pair()
    days, rng = calendar.labels[:140], np.random.default_rng(5)
    lead = 1_300 * np.exp(np.cumsum(0.01 * rng.standard_normal(140)))
    # A split that nobody applied: it is believed after ten closes.
    other = (
        150 * np.exp(np.cumsum(0.01 * rng.standard_normal(140))) * np.where(np.arange(140) < 120, 1.0, 0.5)
    )
    gold, iwm = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path, prices in ((gold, lead), (iwm, other)):
        path.write_text("date,close\n" + "".join(f"{d},{p}\n" for d, p in zip(days, prices, strict=True)))

    replayed = replay(
        Recording(lead_files=(gold,), other_files=(iwm,)),
        pair=market,
        rules=PUBLISHED_RULES,
        calendar=calendar,
        code_version="0",
    )

    rows = {row[0]: row for row in replayed.rows}
    assert list(rows) == list(days)
    for day, a, b in zip(days, lead, other, strict=True):
        assert float(rows[day][3]) == pytest.approx(math.log(a / b), abs=1e-12)
    times = [event.occurred_at for event in replayed.events]
    assert times == sorted(times)
    faults = [event for event in replayed.events if event.kind is Kind.DATA_FAULT]
    assert len(faults) == 2, "it opens and closes"
    held_back = [
        (event.kind, event.direction, event.type)
        for event in replayed.events
        if event.occurred_at == faults[1].occurred_at
    ]
    assert len(held_back) > 1
    assert len(set(held_back)) == len(held_back), "each kind is evaluated once"


def test_engine_is_given_the_history_that_the_log_would_hold(tmp_path: Path) -> None:
    """The rows are of all sessions all the same."""
    calendar = builders_market.calendar("2010-01-04", "2019-12-31")
    days = calendar.labels[:1_000]
    files = [tmp_path / "gold.csv", tmp_path / "iwm.csv"]
    rng = np.random.default_rng(3)
    for path in files:
        walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
        rows = [f"{day},{close:.2f}\n" for day, close in zip(days, walk, strict=True)]
        path.write_text("date,close\n" + "".join(rows))
    spot = tmp_path / "spot.csv"
    begin = from_ns(builders_market.ny(f"{days[-2]} 20:16"))
    spot.write_text(f"ts_utc,bid,ask\n{begin:%Y-%m-%dT%H:%M:%SZ},100,101\n")

    replayed = replay(
        Recording(lead_files=(files[0], spot), other_files=(files[1],)),
        pair=builders_market.pair(),
        rules=(Rule(),),
        calendar=calendar,
        code_version="0",
    )

    assert [row[0] for row in replayed.rows] == list(days)
    assert replayed.bars == 2_000


def test_thresholds_come_from_the_rules_file(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[ratio_stretch]\nwarning = 90.0\ncritical = 99.0\n")

    assert run("--gold", files[0], "--iwm", files[1])[0] == 0
    assert b'"kind":"ratio_stretch"' in run.events.read_bytes()
    assert run("--gold", files[0], "--iwm", files[1], "--rules", rules)[0] == 0
    assert b'"kind":"ratio_stretch"' not in run.events.read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,close\n2019-01-02,abc\n", "row 2: close: must be a positive number, was 'abc'"),
        ("day,close\n2019-01-02,5\n", "row 1: date: column is missing"),
        (
            "date,close\n2019-01-02,5\n2019-01-04,5\n2019-01-03,5\n",
            "row 4: date: 2019-01-03 comes after 2019-01-04",
        ),
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
        (("--start", "2030-01-01"), " from 2030-01-01"),
        (("--end", "2000-01-01"), " to 2000-01-01"),
        (("--start", "2018-07-04", "--end", "2018-07-04"), " from 2018-07-04 to 2018-07-04"),
    ],
)
@pytest.mark.parametrize("has_ticks", [False, True])
def test_range_without_a_session_is_reported_and_nothing_is_written(
    run: Run, files: tuple[Path, Path], tmp_path: Path, arguments: tuple[str, ...], said: str, has_ticks: bool
) -> None:
    gold = files[0]
    if has_ticks:
        gold = tmp_path / "ticks.csv"
        gold.write_text("ts_utc,bid,ask\n2018-06-28T19:59:00Z,1300,1301\n2018-07-05T20:00:01Z,1300,1301\n")

    code, err = run("--gold", gold, "--iwm", files[1], *arguments)

    assert code == 2
    said = f"convex: {gold}: no session in common with {files[1]}{said}; give files whose dates overlap"
    assert err.splitlines()[-1] == said
    assert not run.stats.exists()


def test_ticks_of_other_years_than_the_daily_file_are_reported(run: Run, tmp_path: Path) -> None:
    ticks, iwm = tmp_path / "ticks.csv", tmp_path / "iwm.csv"
    ticks.write_text("ts_utc,bid,ask\n2014-05-02T19:59:00Z,1300,1301\n2014-05-02T20:01:00Z,1300,1301\n")
    iwm.write_text("date,close\n2020-01-02,100\n2020-01-03,101\n")

    code, err = run("--gold", ticks, "--iwm", iwm)

    assert code == 2
    said = f"convex: {ticks}: no session in common with {iwm}; give files whose dates overlap"
    assert err.splitlines()[-1] == said
    assert not run.stats.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pair", "oil-gas"), "--pair oil-gas: is not known; known are gold-iwm"),
        (("--start", "2019-02-01", "--end", "2019-01-01"), "--start 2019-02-01: is after --end 2019-01-01"),
        (("--events", "no/such/folder/e.jsonl"), "no/such/folder/e.jsonl: its folder does not exist"),
        (("--stats", "."), ".: is a folder; name a file"),
        (("--report", "x" * 300), "x" * 300 + ": cannot be written: File name too long"),
        (("--report", "/proc/x.html"), "/proc/x.html: cannot be written: No such file or directory"),
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


def test_output_that_is_an_input_or_another_output_is_refused(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Would have caught: the gold file was replaced by the statistics."""
    before = files[0].read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(files[0])
    inputs = ("--gold", files[0], "--iwm", files[1])

    assert run(*inputs, "--stats", link) == (
        2, f"convex: {link}: is the same file as the input {files[0]}; name another\n"
    )  # fmt: skip
    assert run(*inputs, "--events", tmp_path / "." / "stats.csv") == (
        2, f"convex: {run.stats}: is the same file as the output {run.stats}; name another\n"
    )  # fmt: skip
    assert files[0].read_bytes() == before
    assert not run.stats.exists()


def test_outputs_may_be_streams(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Would have caught: a file took the place of ``/dev/stdout``'s pipe, and nothing came out of it."""
    command = [sys.executable, "-m", "convex", "backtest", "--gold", str(files[0]), "--iwm", str(files[1])]
    events = tmp_path / "events.jsonl"

    done = subprocess.run(
        [*command, "--stats", "/dev/stdout", "--events", str(events)], capture_output=True, check=True
    )

    assert done.stdout.decode().splitlines()[0] == COLUMNS
    assert events.exists()
