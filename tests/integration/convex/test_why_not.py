"""``why-not`` agrees with the events of a backtest, with ``explain``, and with the page in the document."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.calendars import xnys_calendar
from tests.integration.convex.conftest import Convex
from tests.support.data import shared_data

_DOCUMENT = Path(__file__).parents[3] / "docs" / "why-not.md"
_GOLD, _IWM = "pair_gold_daily_20121114_20210331.csv", "pair_iwm_daily_20121114_20210331.csv"
_SPAN = ("--start", "2019-12-02")
# What a close may have decided the session before an opening.
_HELD_BACK = ("below_level", "condition_not_met", "cooldown", "already_open", "undefined", "no_change")


def backtest(convex: Convex, folder: Path, files: tuple[Path, Path], *options: str) -> list[dict[str, Any]]:
    events = folder / "events.jsonl"
    ran = convex(
        *("backtest", "--gold", str(files[0]), "--iwm", str(files[1]), *options),
        *("--stats", str(folder / "stats.csv"), "--events", str(events)),
    )
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in events.read_text().splitlines()]


def ask(convex: Convex, files: tuple[Path, Path], time: str, *options: str) -> dict[str, Any]:
    ran = convex("why-not", time, "--gold", str(files[0]), "--iwm", str(files[1]), "--json", *options)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def answer(found: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    (one,) = [
        each
        for each in found["answers"]
        if (each["kind"], each["direction"], each["by"]) == (event["kind"], event["direction"], "close")
    ]
    return dict(one)


def check_openings(
    convex: Convex, folder: Path, files: tuple[Path, Path], *options: str, most: int
) -> list[str]:
    """Ask at each opening and the session before it; compare with the event and with explain's numbers."""
    labels = xnys_calendar().labels
    events = backtest(convex, folder, files, *options)
    kinds = []
    opened = [each for each in events if each["type"] == "open" and each["kind"] != "data_fault"]
    # Before the first session nothing is decided.
    first = options[options.index("--start") + 1]
    for event in [each for each in opened if each["evidence"]["inputs"][0]["session"] > first][:most]:
        session = event["evidence"]["inputs"][0]["session"]
        found = ask(convex, files, session, *options, "--events", str(folder / "events.jsonl"))
        one = answer(found, event)
        assert (one["gate"], one["opened_by"] or one["ended_by"]) == ("opened", event["event_id"])
        near = {each["event_id"]: each["is_published"] for each in found["events"]}
        assert near[event["event_id"]] is True

        explained = convex(
            *("explain", event["event_id"], "--events", str(folder / "events.jsonl"), "--json"),
            *("--gold", str(files[0]), "--iwm", str(files[1]), *options),
        )
        numbers = {each["name"]: each for each in json.loads(explained.out)["numbers"]}
        compared = 0
        for name, value in one["values"].items():
            if name in numbers:
                assert value == numbers[name]["event"]
                recomputed = numbers[name]["recomputed"]
                assert recomputed is value is None or value == pytest.approx(recomputed, rel=1e-9)
                compared += 1
        assert compared >= 1

        before = ask(convex, files, labels[labels.index(session) - 1], *options)
        held_back = answer(before, event)
        assert held_back["gate"] in _HELD_BACK
        assert event["event_id"] in {each["event_id"] for each in before["events"]}
        assert held_back["gate"] != "already_open" or held_back["opened_by"] != event["event_id"]
        kinds.append(event["kind"])
    return kinds


@pytest.fixture
def market(tmp_path: Path) -> tuple[Path, Path]:
    """Write 300 daily closes of two legs."""
    drawn = np.random.default_rng(5)
    begin = xnys_calendar().labels.index("2018-01-02")
    sessions = xnys_calendar().labels[begin : begin + 300]
    paths = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path, start in zip(paths, (1300.0, 150.0), strict=True):
        prices = start * np.exp(drawn.normal(0, 0.01, len(sessions)).cumsum())
        rows = (f"{day},{price:.2f}\n" for day, price in zip(sessions, prices, strict=True))
        path.write_text("date,close\n" + "".join(rows))
    return paths


def test_openings_of_a_made_up_market_agree_with_the_event_and_with_explain(
    convex: Convex, tmp_path: Path, market: tuple[Path, Path]
) -> None:
    assert check_openings(convex, tmp_path, market, "--start", "2018-06-01", most=3)


@pytest.mark.slow
def test_openings_of_real_history_agree_with_the_event_and_with_explain(
    convex: Convex, tmp_path: Path
) -> None:
    files = shared_data(_GOLD), shared_data(_IWM)
    kinds = check_openings(convex, tmp_path, files, *_SPAN, most=6)

    assert len(set(kinds)) >= 2


def test_page_of_the_document_is_what_the_command_prints(
    convex: Convex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(
        r"^\$ convex (why-not .*)\n((?:.*\n)*?)```$", _DOCUMENT.read_text(), flags=re.MULTILINE
    )
    arguments, printed = block
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "gold.csv").symlink_to(shared_data(_GOLD))
    (tmp_path / "iwm.csv").symlink_to(shared_data(_IWM))

    assert convex(*arguments.split()).out == printed


def test_page_fits_the_terminal_and_leaves_no_blanks_at_the_end_of_a_line(
    convex: Convex, market: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gold, iwm = map(str, market)
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        ran = convex("why-not", "2019-02-05", "--gold", gold, "--iwm", iwm, "--start", "2019-02-01")
        assert ran.code == 0, ran.err
        assert max(map(len, ran.out.splitlines())) <= width
        assert all(line == line.rstrip() for line in ran.out.splitlines())


def test_kind_that_is_asked_for_is_the_only_one_shown(convex: Convex, market: tuple[Path, Path]) -> None:
    found = ask(convex, market, "2019-02-05", "--start", "2019-02-01", "--kind", "hedge_lost")

    assert {each["kind"] for each in found["answers"]} == {"hedge_lost"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("2019-02-05", "--gold", "gold.csv"), "--gold and --iwm go together"),
        (("2019-02-05", "--gold", "a", "--iwm", "b", "--pair", "gold-slv"), "is not configured"),
        (("2019-02-02", "--gold", "a", "--iwm", "b"), "no session on Saturday 2019-02-02"),
        (("2019-02-05 10:00", "--gold", "a", "--iwm", "b"), "has no time zone"),
    ],
)
def test_question_that_cannot_be_asked_is_one_line(
    convex: Convex, options: tuple[str, ...], says: str
) -> None:
    ran = convex("why-not", *options)

    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
