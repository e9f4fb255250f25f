"""``convex calibrate`` by its files: what it writes, and what it says when it cannot."""

import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from convex.calibrate.rule_openings import KINDS
from convex.cli import main
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.false_alarms.loading import load_false_alarms
from shared.domain.divergences import Kind
from tests.support.data import shared_data

VERSIONS = {rule.kind.value: rule.version for rule in PUBLISHED_RULES}
MARKET_KINDS = (
    *("ratio_stretch", "opposite_moves", "correlation_break", "hedge_lost", "evidence_break"),
    "regime_change",
)
FEW = ("--paths", "4", "--years", "2", "--refits", "2")


def rows(seed: int, *, days: int = 800) -> list[str]:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days)))
    return [f"{date(2018, 1, 2) + timedelta(days=at)},{close:.4f}\n" for at, close in enumerate(closes)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    gold, iwm = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    gold.write_text("date,close\n" + "".join(rows(1)))
    iwm.write_text("date,close\n" + "".join(rows(2)))
    return gold, iwm


class Run:
    """One run of the command in this process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.out = folder / "out" / "figures.toml"
        self.out.parent.mkdir()
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(
        self, gold: Path, iwm: Path, *arguments: str | Path, out: Path | None = None, writes: bool = True
    ) -> tuple[int, str]:
        """Return the exit code and what was said on stderr."""
        to = ("--out", out or self.out) if writes else ()
        given = ("--gold", gold, "--iwm", iwm, *to, *arguments)
        self._monkeypatch.setattr(sys, "argv", ["convex", "calibrate", *map(str, given)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return int(exit_.value.code or 0), self._capsys.readouterr().err


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, monkeypatch, capsys)


def test_figures_of_the_published_rules_are_written_with_what_they_stand_on(
    run: Run, files: tuple[Path, Path]
) -> None:
    code, said = run(*files, *FEW, "--seed", "9")

    assert code == 0
    assert "correlation_break: " in said
    tables = tomllib.loads(run.out.read_text())["false_alarms"]
    assert [(table["kind"], table["rule_version"]) for table in tables] == [
        (kind, VERSIONS[kind]) for kind in MARKET_KINDS
    ]
    for table in tables:
        assert (table["pair"], table["paths"], table["years"], table["seed"]) == ("gold-iwm", 4, 2, 9)
        # 2018-01-02 and 800 dates: sessions from then to 2020-03-11.
        assert (table["first_session"], table["last_session"]) == ("2018-01-02", "2020-03-11")
        assert table["returns"] == 550
    assert set(load_false_alarms(run.out)) == {("gold-iwm", table["rule_version"]) for table in tables}


def test_equal_seeds_write_equal_bytes(run: Run, files: tuple[Path, Path]) -> None:
    run(*files, *FEW)
    first = run.out.read_bytes()
    run(*files, *FEW)

    assert run.out.read_bytes() == first
    run(*files, *FEW, "--seed", "2")
    assert run.out.read_bytes() != first


def test_rules_of_a_file_have_figures_of_their_own(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    off = "".join(f"[{kind}]\nenabled = false\n" for kind in KINDS if kind is not Kind.CORRELATION_BREAK)
    rules.write_text(f"[correlation_break]\nwarning = 2.0\n{off}")

    assert run(*files, *FEW, "--rules", rules)[0] == 0
    (table,) = tomllib.loads(run.out.read_text())["false_alarms"]
    assert table["kind"] == "correlation_break"
    assert table["rule_version"] != VERSIONS["correlation_break"]


def test_length_of_the_blocks_can_be_given(run: Run, files: tuple[Path, Path]) -> None:
    run(*files, *FEW, "--block-length", "12.5")

    assert {table["block_length"] for table in tomllib.loads(run.out.read_text())["false_alarms"]} == {12.5}


@pytest.fixture
def long_files(tmp_path: Path) -> tuple[Path, Path]:
    gold, iwm = tmp_path / "long_gold.csv", tmp_path / "long_iwm.csv"
    gold.write_text("date,close\n" + "".join(rows(1, days=1_600)))
    iwm.write_text("date,close\n" + "".join(rows(2, days=1_600)))
    return gold, iwm


def test_check_writes_nothing_and_shows_the_openings_after_the_first_half(
    run: Run, long_files: tuple[Path, Path]
) -> None:
    code, said = run(*long_files, *FEW, "--check", writes=False)

    assert code == 0
    holidays, unadjusted, first, *lines = said.splitlines()
    assert holidays.startswith("warning: ")
    assert unadjusted.startswith("warning: ")
    assert first == "Chance from 2018-01-02 to 2020-03-13; what opened after that:"
    assert [line.split(":")[0] for line in lines] == [
        *MARKET_KINDS,
    ]
    assert all(" a year by chance (" in line and "; opened " in line for line in lines)
    assert list(run.out.parent.iterdir()) == []


def test_check_may_come_with_the_figures(run: Run, long_files: tuple[Path, Path]) -> None:
    code, said = run(*long_files, *FEW, "--check")

    assert code == 0
    assert said.count("ratio_stretch: ") == 2
    assert run.out.exists()


def test_check_needs_four_years(run: Run, files: tuple[Path, Path]) -> None:
    code, said = run(*files, *FEW, "--check")

    refused(run, said, code)
    assert "--check: needs 1009 sessions in common, four years" in said


def test_figures_need_a_place(run: Run, files: tuple[Path, Path]) -> None:
    code, said = run(*files, *FEW, writes=False)

    refused(run, said, code)
    assert "--out: is missing; give it, or --check to write nothing" in said


def test_figures_without_refits_have_no_interval(run: Run, files: tuple[Path, Path]) -> None:
    assert run(*files, "--paths", "4", "--years", "2", "--refits", "0")[0] == 0
    assert {figure.interval for figure in load_false_alarms(run.out).values()} == {None}


def refused(run: Run, said: str, code: int) -> None:
    assert code == 2
    assert said.startswith("convex: ")
    assert said.count("\n") == 1
    # Nothing half-written, and nothing left beside it.
    assert list(run.out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "wrong", "named"),
    [
        (5, "2018-01-05,abc\n", "gold.csv: row 5: close: must be a positive number"),
        (5, "2018-13-05,100.0\n", "gold.csv: row 5: date: must be YYYY-MM-DD"),
        (1, "day,close\n", "gold.csv: "),
    ],
)
def test_fault_in_a_file_is_one_line_with_file_row_and_field(
    run: Run, files: tuple[Path, Path], line: int, wrong: str, named: str
) -> None:
    gold, iwm = files
    lines = gold.read_text().splitlines(keepends=True)
    lines[line - 1] = wrong
    gold.write_text("".join(lines))

    code, said = run(gold, iwm, *FEW)

    refused(run, said, code)
    assert named in said


def test_history_of_less_than_two_years_is_refused(run: Run, files: tuple[Path, Path]) -> None:
    gold, iwm = files
    gold.write_text("date,close\n" + "".join(rows(1, days=300)))

    code, said = run(gold, iwm, *FEW)

    refused(run, said, code)
    assert "sessions in common; give at least 505" in said


def test_flat_leg_is_refused_by_its_file(run: Run, files: tuple[Path, Path]) -> None:
    gold, iwm = files
    iwm.write_text("date,close\n" + "".join(f"{row.split(',')[0]},100.0\n" for row in rows(2)))

    code, said = run(gold, iwm, *FEW)

    refused(run, said, code)
    assert "iwm.csv: close: never changes" in said


def test_one_leg_given_twice_is_refused(run: Run, files: tuple[Path, Path]) -> None:
    code, said = run(files[0], files[0], *FEW)

    refused(run, said, code)
    assert "the same returns" in said


def test_ticks_are_refused(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    ticks = tmp_path / "ticks.csv"
    ticks.write_text("ts_utc,bid,ask\n2018-01-02T15:00:00Z,1300.0,1300.5\n")

    code, said = run(ticks, files[1], *FEW)

    refused(run, said, code)
    assert "ticks.csv: holds ticks; give daily closes" in said


def test_pair_that_is_not_known_is_refused(run: Run, files: tuple[Path, Path]) -> None:
    code, said = run(*files, *FEW, "--pair", "gold-lead")

    refused(run, said, code)
    assert "--pair gold-lead: is not known; known are gold-iwm" in said


def test_rules_without_a_kind_to_evaluate_are_refused(
    run: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("".join(f"[{kind}]\nenabled = false\n" for kind in KINDS))

    code, said = run(*files, *FEW, "--rules", rules)

    refused(run, said, code)
    assert "rules.toml: no kind whose openings can be counted is enabled" in said


def test_input_is_not_written_over(run: Run, files: tuple[Path, Path]) -> None:
    code, said = run(*files, *FEW, out=files[0])

    assert code == 2
    assert "is the same file as the input" in said


@pytest.mark.slow
def test_shipped_figures_are_what_the_command_gives_for_the_real_pair(run: Run) -> None:
    gold = shared_data("pair_gold_daily_20121114_20210331.csv")
    iwm = shared_data("pair_iwm_daily_20121114_20210331.csv")

    assert run(gold, iwm)[0] == 0
    assert load_false_alarms(run.out) == load_false_alarms(None)
