"""What a rule file changes is what two backtests, compared by hand, show to differ."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.calendars import xnys_calendar
from tests.integration.convex.conftest import Convex
from tests.support.data import shared_data

_NEW = """
[ratio_stretch]
warning = 1.6
critical = 2.5
leave = 0.8

[opposite_moves]

[hedge_lost]
enabled = false
"""
_FINAL = ("closed", "not_confirmed", "expired")


@pytest.fixture
def market(tmp_path: Path) -> tuple[Path, Path]:
    """Write 500 daily closes of two legs."""
    drawn = np.random.default_rng(3)
    begin = xnys_calendar().labels.index("2018-01-02")
    sessions = xnys_calendar().labels[begin : begin + 500]
    paths = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path, start, spread in zip(paths, (1300.0, 150.0), (0.008, 0.011), strict=True):
        prices = start * np.exp(drawn.normal(0, spread, len(sessions)).cumsum())
        path.write_text(
            "date,close\n"
            + "".join(f"{day},{price:.2f}\n" for day, price in zip(sessions, prices, strict=True))
        )
    return paths


def spans(path: Path) -> list[dict[str, Any]]:
    """Return the divergences of an events file, read as plain JSON."""
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["type"] == "open":
            found[event["divergence_id"]] = {
                "key": (event["kind"], event["direction"]),
                "opened": event["occurred_at"],
                "ended": None,
                "severity": event["severity"],
            }
        elif event["divergence_id"] in found:
            one = found[event["divergence_id"]]
            one["ended"] = event["occurred_at"] if event["type"] in _FINAL else one["ended"]
            one["severity"] = "critical" if event["severity"] == "critical" else one["severity"]
    return list(found.values())


def check_against_backtests(
    convex: Convex, tmp_path: Path, files: tuple[Path, Path], *span: str
) -> dict[str, Any]:
    """Run two backtests and compare their files with what the command says."""
    rules, out = tmp_path / "new.toml", tmp_path / "openings.csv"
    rules.write_text(_NEW)
    gold_iwm = ("--gold", str(files[0]), "--iwm", str(files[1]), *span)
    runs: list[list[dict[str, Any]]] = []
    for name, options in (("present", ()), ("new", ("--rules", str(rules)))):
        events = tmp_path / f"{name}.jsonl"
        ran = convex(
            "backtest", *gold_iwm, *options, "--stats", str(tmp_path / "s.csv"), "--events", str(events)
        )
        assert ran.code == 0, ran.err
        runs.append(spans(events))
    ran = convex("what-if", "--rules", str(rules), *gold_iwm, "--csv", str(out), "--json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    present, new = runs
    rows = found["openings"]
    # Each opening of either backtest stands in exactly one row, with its severity and its end.
    for side, episodes in (("present", present), ("new", new)):
        listed = [
            (
                (row["kind"], row["direction"]),
                *(row[f"{side}_{name}"] for name in ("opened_at", "ended_at", "severity")),
            )
            for row in rows
            if row[f"{side}_event_id"] is not None
        ]
        assert sorted(map(str, listed)) == sorted(
            str((each["key"], each["opened"], each["ended"], each["severity"])) for each in episodes
        )
    both = {(each["key"], each["opened"]) for each in present} & {
        (each["key"], each["opened"]) for each in new
    }
    same = [row for row in rows if row["place"] == "same"]
    assert {((row["kind"], row["direction"]), row["present_opened_at"]) for row in same} == both
    for row in rows:
        if row["place"] in ("earlier", "later"):
            assert row["present_opened_at"] != row["new_opened_at"]
            assert (row["new_opened_at"] < row["present_opened_at"]) == (row["place"] == "earlier")
            assert row["new_ended_at"] is None or row["present_opened_at"] < row["new_ended_at"]
            assert row["present_ended_at"] is None or row["new_opened_at"] < row["present_ended_at"]
        if row["place"].startswith("only"):
            side, others = ("present", new) if row["place"] == "only_present" else ("new", present)
            opened = row[f"{side}_opened_at"]
            is_open = any(
                each["key"] == (row["kind"], row["direction"])
                and each["opened"] <= opened
                and (each["ended"] is None or opened < each["ended"])
                for each in others
            )
            assert row["is_open_elsewhere"] == is_open
    for kind in found["kinds"]:
        for side, episodes in (("present", present), ("new", new)):
            own = [each for each in episodes if each["key"][0] == kind["kind"]]
            assert kind[side]["count"] == len(own)
            assert kind[side]["per_year"] == pytest.approx(len(own) * 252 / found["sessions"])
    with out.open() as stream:
        assert [row["place"] for row in csv.DictReader(stream)] == [row["place"] for row in rows]
    return found


def test_every_difference_is_that_of_two_backtests(
    convex: Convex, tmp_path: Path, market: tuple[Path, Path]
) -> None:
    found = check_against_backtests(convex, tmp_path, market, "--start", "2019-03-01")

    assert {row["place"] for row in found["openings"]} >= {"same", "only_new"}
    (hedge,) = [each for each in found["kinds"] if each["kind"] == "hedge_lost"]
    assert hedge["changed"] == [{"field": "enabled", "present": True, "new": False}]


@pytest.mark.slow
def test_every_difference_on_real_history_is_that_of_two_backtests(convex: Convex, tmp_path: Path) -> None:
    files = (
        shared_data("pair_gold_daily_20121114_20210331.csv"),
        shared_data("pair_iwm_daily_20121114_20210331.csv"),
    )
    found = check_against_backtests(convex, tmp_path, files, "--start", "2019-01-02")

    (ratio,) = [each for each in found["kinds"] if each["kind"] == "ratio_stretch"]
    assert ratio["present"]["by_chance_per_year"] is not None
    assert ratio["new"]["by_chance_per_year"] is None


def test_same_rules_differ_in_nothing_and_the_page_says_so(
    convex: Convex, tmp_path: Path, market: tuple[Path, Path]
) -> None:
    rules = tmp_path / "same.toml"
    rules.write_text("[ratio_stretch]\nwarning = 2.0\n")
    gold, iwm = map(str, market)
    ran = convex("what-if", "--rules", str(rules), "--gold", gold, "--iwm", iwm, "--start", "2019-09-03")

    assert ran.code == 0, ran.err
    assert "Nothing: both have the same rules." in ran.out
    assert " 0 moved, 0 only under the present ones, 0 only under the new ones." in ran.out


def test_hits_are_those_that_the_closes_give(
    convex: Convex, tmp_path: Path, market: tuple[Path, Path]
) -> None:
    """Count the hits of the openings that only the new rules have again, from the closes."""
    found = check_against_backtests(convex, tmp_path, market, "--start", "2019-03-01")
    gold, iwm = (
        {line.split(",")[0]: float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]}
        for path in market
    )
    sessions = sorted(gold)
    checked = 0
    for row in found["openings"]:
        if row["kind"] != "ratio_stretch" or row["new_opened_at"] is None:
            continue
        # Opened by a close at 20:15 New York: the next close is the first that anybody could trade at.
        opened = max(each for each in sessions if each < row["new_opened_at"][:10])
        start = sessions.index(opened) + 1
        for horizon in (5, 20):
            if start + horizon >= len(sessions):
                assert row[f"new_hit_{horizon}"] is None
                continue
            first, last = sessions[start], sessions[start + horizon]
            ratio = np.log(gold[last] / iwm[last]) - np.log(gold[first] / iwm[first])
            falls = row["direction"] == "risk_off"
            assert row[f"new_hit_{horizon}"] == bool(ratio < 0 if falls else ratio > 0)
            checked += 1
    assert checked > 3


def test_page_of_the_document_is_what_the_command_prints(
    convex: Convex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = (Path(__file__).parents[3] / "docs" / "what-if.md").read_text()
    ((arguments, printed),) = re.findall(
        r"^\$ convex (what-if .*)\n((?:.*\n)*?)```$", document, flags=re.MULTILINE
    )
    (rules,) = re.findall(r"^```toml\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "new.toml").write_text(rules)
    (tmp_path / "gold.csv").symlink_to(shared_data("pair_gold_daily_20121114_20210331.csv"))
    (tmp_path / "iwm.csv").symlink_to(shared_data("pair_iwm_daily_20121114_20210331.csv"))

    assert convex(*arguments.split()).out == printed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--gold", "gold.csv"), "--gold and --iwm go together"),
        (("--start", "2019-01-02"), "--start and --end go with --gold and --iwm"),
        (("--pair", "gold-slv", "--gold", "a", "--iwm", "b"), "--pair gold-slv: is not known"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    convex: Convex, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    rules = tmp_path / "new.toml"
    rules.write_text(_NEW)
    ran = convex("what-if", "--rules", str(rules), *options)

    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
