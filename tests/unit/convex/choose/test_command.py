"""``convex choose`` by its files: what it prints, draws and writes, and what it says when it cannot."""

import json
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from convex.cli import main
from services.signals.rules_file import load_rules
from shared.calendars import xnys_calendar
from shared.domain.divergences import Kind
from tests.unit.convex.choose.markets import Legs, reverting, unrelated

FEW = ("--histories", "19", "--levels", "1.5,2,2.5")
_SVG = "{http://www.w3.org/2000/svg}"


def write(folder: Path, legs: Legs) -> tuple[Path, Path]:
    """Write both legs as daily closes of real sessions."""
    labels = [label for label in xnys_calendar().labels if label >= "2003-01-02"][: legs[0].size + 1]
    paths = folder / "gold.csv", folder / "iwm.csv"
    for path, returns in zip(paths, legs, strict=True):
        closes = 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))
        rows = (f"{label},{close:.6f},{close:.6f}\n" for label, close in zip(labels, closes, strict=True))
        path.write_text("date,close,adj_close\n" + "".join(rows))
    return paths


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write(tmp_path_factory.mktemp("walks"), unrelated(3, 1_300))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write(tmp_path_factory.mktemp("planted"), reverting(1, 3_000))


class Run:
    """One run of the command in this process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder / "out"
        self.folder.mkdir()
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(
        self, files: tuple[Path, Path], *arguments: str | Path, kind: str = "ratio_stretch"
    ) -> tuple[int, str, str]:
        """Return the exit code, and what was said on stdout and stderr."""
        given = ("--kind", kind, "--gold", files[0], "--iwm", files[1], *arguments)
        self._monkeypatch.setattr(sys, "argv", ["convex", "choose", *map(str, given)])
        with pytest.raises(SystemExit) as exit_:
            main()
        said = self._capsys.readouterr()
        return int(exit_.value.code or 0), said.out, said.err


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, monkeypatch, capsys)


def test_unrelated_walks_are_said_to_beat_nothing_and_no_rules_are_written(
    run: Run, walks: tuple[Path, Path]
) -> None:
    out = run.folder / "rules.toml"

    code, said, beside = run(walks, *FEW, "--out", out)

    assert code == 0
    assert "\nNothing is shown to beat chance. The best of " in said
    assert beside == f"{out} is not written: no level is shown to beat chance\n"
    assert list(run.folder.iterdir()) == []


def test_file_of_before_stays_where_nothing_beats_chance(run: Run, walks: tuple[Path, Path]) -> None:
    out = run.folder / "rules.toml"
    out.write_text("[ratio_stretch]\nwarning = 2.2\n")

    run(walks, *FEW, "--out", out)

    assert out.read_text() == "[ratio_stretch]\nwarning = 2.2\n"


def test_level_that_beats_chance_is_written_into_the_rules_of_the_pair(
    run: Run, planted: tuple[Path, Path], tmp_path: Path
) -> None:
    rules, out = tmp_path / "rules.toml", run.folder / "chosen.toml"
    rules.write_text(
        "[ratio_stretch]\nfalse_alarms_per_year = 2\nhold_seconds = 60\n[hedge_lost]\nenabled = false\n"
        "[pairs.gold-iwm.correlation_break]\nmin_change = 0.4\n"
    )

    code, said, beside = run(planted, "--histories", "19", "--rules", rules, "--out", out, "--json")

    assert code == 0
    found = json.loads(said)
    assert (found["verdict"], beside) == ("beats_chance", f"rules → {out}\n")
    text = out.read_text()
    assert text.startswith("# The levels of ratio_stretch were chosen by convex choose from 2003-01-02 to ")
    tables = tomllib.loads(text)
    assert tables["ratio_stretch"] == {"false_alarms_per_year": 2.0, "hold_seconds": 60}
    assert tables["hedge_lost"] == {"enabled": False}
    assert tables["pairs"]["gold-iwm"]["correlation_break"] == {"min_change": 0.4}
    warning = found["chosen_warning"]
    (level,) = [each for each in found["levels"] if each["warning"] == warning]
    assert tables["pairs"]["gold-iwm"]["ratio_stretch"] == {
        name: level[name] for name in ("warning", "critical", "leave")
    }
    (rule,) = [each for each in load_rules(out, pair="gold-iwm") if each.kind is Kind.RATIO_STRETCH]
    assert (rule.warning, rule.hold_seconds) == (warning, 60)


def test_json_has_the_numbers_of_the_tables(run: Run, walks: tuple[Path, Path]) -> None:
    found = json.loads(run(walks, *FEW, "--json")[1])
    said = run(walks, *FEW)[1]

    assert found["sentence"] in said
    assert found["test"]["p_value"] == max(found["test"]["spa"], found["test"]["synthetic"])
    assert found["test"]["covers"] in said
    for level in found["levels"]:
        assert f"{level['warning']:7g} {level['critical']:8.4g} {level['leave']:7.4g} " in said
        for after in level["after"].values():
            assert f"{after['hits']} of {after['count']} " in said
    total = found["walk_forward"]["total"]
    assert f"together: {total['hits']} of {total['count']} hits" in said
    assert total["count"] == sum(
        (each["after"] or {"count": 0})["count"] for each in found["walk_forward"]["folds"]
    )


def test_equal_seeds_print_and_draw_equal_bytes(run: Run, walks: tuple[Path, Path]) -> None:
    drawn = [run.folder / f"{at}.svg" for at in range(2)]
    said = [run(walks, *FEW, "--plot", path)[1] for path in drawn]

    assert said[0] == said[1]
    assert drawn[0].read_bytes() == drawn[1].read_bytes()


@pytest.mark.parametrize("levels", ["1.5,2", "0.5,60", ",".join(f"{1 + at / 20:g}" for at in range(40))])
def test_picture_is_xml_that_stays_inside_its_frame(run: Run, walks: tuple[Path, Path], levels: str) -> None:
    path = run.folder / "plot.svg"

    run(walks, "--histories", "19", "--plot", path, "--levels", levels)

    root = ET.fromstring(path.read_text())  # noqa: S314 - our own file
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for each in root.iter():
        for name, most in (("x", width), ("cx", width), ("x1", width), ("x2", width)):
            assert 0.0 <= float(each.attrib.get(name, 0.0)) <= most
        for name in ("y", "cy", "y1", "y2"):
            assert 0.0 <= float(each.attrib.get(name, 0.0)) <= height
    texts = [each.text for each in root.iter(f"{_SVG}text")]
    assert "Hit rate with its 95 % interval, and the usual rate (bar)" in texts
    assert "nan" not in path.read_text()


def test_picture_shows_each_level_three_times_and_marks_the_chosen_one(
    run: Run, planted: tuple[Path, Path]
) -> None:
    path = run.folder / "plot.svg"

    found = json.loads(run(planted, *FEW, "--plot", path, "--json")[1])

    root = ET.fromstring(path.read_text())  # noqa: S314 - our own file
    rated = sum(after["count"] > 0 for level in found["levels"] for after in level["after"].values())
    delayed = sum(level["delay"]["sessions"] is not None for level in found["levels"])
    dots = [each for each in root.iter() if "dot" in each.attrib.get("class", "")]
    # Four of them are in the legends.
    assert len(dots) == 2 * len(found["levels"]) + rated + delayed + 4
    assert [each.attrib["class"] for each in root.iter(f"{_SVG}rect")].count("chosen") == 3


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("data_fault", (), "--kind data_fault: is about the data"),
        ("regime_change", (), "--kind regime_change: has no levels in the rules to choose"),
        ("nothing", (), "--kind nothing: is no kind of divergence"),
        ("ratio_stretch", ("--pair", "no-pair"), "--pair no-pair: is not known; known are "),
        ("evidence_break", ("--pair", "gold-tlt"), "--kind evidence_break: pair gold-tlt states no baseline"),
        ("ratio_stretch", ("--levels", "2"), "--levels 2: needs 2 to 40 different levels"),
    ],
)
def test_what_cannot_be_studied_is_one_clear_line(
    run: Run, walks: tuple[Path, Path], kind: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, beside = run(walks, *FEW, *arguments, "--plot", run.folder / "plot.svg", kind=kind)

    refused(run, code, out, beside)
    assert beside.startswith(f"convex: {said}")


@pytest.mark.parametrize("size", [300, 900, 1_007])
def test_short_files_are_one_clear_line(run: Run, tmp_path: Path, size: int) -> None:
    files = write(tmp_path, unrelated(1, size))

    code, out, beside = run(files, *FEW, "--plot", run.folder / "plot.svg")

    refused(run, code, out, beside)
    assert f"have {size + 1} sessions in common; give at least 1009, 4 years" in beside


def test_vendors_file_gives_the_numbers_of_the_plain_one(
    run: Run, walks: tuple[Path, Path], tmp_path: Path
) -> None:
    plain = run(walks, *FEW, "--json")
    # Day first, and no row whose day is beyond 12: only the option says which number is the day.
    with_days = []
    for path in walks:
        given = tmp_path / path.name
        rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
        given.write_text(
            "date,close,adj_close\n"
            + "".join(f"{day[8:]}/{day[5:7]}/{day[:4]},{close},{close}\n" for day, close, _ in rows)
        )
        with_days.append(given)

    assert run((with_days[0], with_days[1]), *FEW, "--json", "--date-order", "dmy")[:2] == plain[:2]


def test_kind_that_the_rules_switch_off_is_one_clear_line(
    run: Run, walks: tuple[Path, Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[ratio_stretch]\nenabled = false\n")

    code, out, beside = run(walks, *FEW, "--rules", rules)

    refused(run, code, out, beside)
    assert beside == (f"convex: {rules}: [ratio_stretch] is switched off; enable it, or leave --rules out\n")


def test_missing_package_is_one_clear_line(
    run: Run, walks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("convex.choose.study", "convex.choose.search_correction"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("arch", "arch.bootstrap"):
        monkeypatch.setitem(sys.modules, name, None)

    code, out, beside = run(walks, *FEW)

    refused(run, code, out, beside)
    assert beside == "convex: convex choose: needs the package arch; install convex-alerts[research]\n"


def test_one_place_for_both_files_is_one_clear_line(run: Run, walks: tuple[Path, Path]) -> None:
    path = run.folder / "both"

    code, out, beside = run(walks, *FEW, "--out", path, "--plot", path)

    refused(run, code, out, beside)
    assert "is the same file as the output" in beside


def refused(run: Run, code: int, out: str, beside: str) -> None:
    assert (code, out) == (2, "")
    assert beside.startswith("convex: ")
    assert beside.count("\n") == 1
    assert list(run.folder.iterdir()) == []
