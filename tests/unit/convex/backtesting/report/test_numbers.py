"""Every number of a report equals the files beside it, at the digits that the report shows."""

import csv
import json
import math
import re
import sys
from collections import Counter
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest

from convex.cli import main
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from tests.support.html_tables import table_rows

# Low levels, so that a short history opens something of several kinds.
_RULES = """
[ratio_stretch]
warning = 1.2
critical = 1.8
leave = 0.5
[opposite_moves]
enabled = true
warning = 1.2
critical = 1.8
leave = 0.5
"""


class Written:
    """What one run of the command wrote."""

    def __init__(self, folder: Path) -> None:
        self.page = (folder / "out" / "report.html").read_text()
        with (folder / "out" / "stats.csv").open() as lines:
            self.stats = list(csv.DictReader(lines))
        with (folder / "outcomes.csv").open() as lines:
            self.outcomes = list(csv.DictReader(lines))
        self.events: list[dict[str, Any]] = [
            json.loads(line) for line in (folder / "out" / "events.jsonl").read_text().splitlines()
        ]
        with (folder / "iwm.csv").open() as lines:
            self.iwm = {row["date"]: float(row["adj_close"]) for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "out").mkdir()
    rng = np.random.default_rng(3)
    days = np.arange("2018-01-02", "2019-06-30", dtype="datetime64[D]")
    gold = 1300 * np.exp(np.cumsum(rng.normal(0, 0.006, days.size)))
    iwm = 150 * np.exp(np.cumsum(rng.normal(0, 0.011, days.size)))
    rows = zip(days, gold, iwm, iwm * np.linspace(0.95, 1.0, days.size), strict=True)
    lines = [(f"{day},{a:.2f}", f"{day},{b:.2f},{adjusted:.4f}") for day, a, b, adjusted in rows]
    (folder / "gold.csv").write_text("\n".join(["date,close", *(line[0] for line in lines), ""]))
    (folder / "iwm.csv").write_text("\n".join(["date,close,adj_close", *(line[1] for line in lines), ""]))
    (folder / "rules.toml").write_text(_RULES)
    arguments = {
        "--gold": folder / "gold.csv",
        "--iwm": folder / "iwm.csv",
        "--rules": folder / "rules.toml",
        "--stats": folder / "out" / "stats.csv",
        "--events": folder / "out" / "events.jsonl",
        "--outcomes": folder / "outcomes.csv",
        "--report": folder / "out" / "report.html",
        "--report-paths": 0,
    }
    with pytest.MonkeyPatch.context() as patched:
        flat = [str(each) for pair in arguments.items() for each in pair]
        patched.setattr(sys, "argv", ["convex", "backtest", *flat])
        with pytest.raises(SystemExit) as exit_:
            main()
    assert not exit_.value.code
    return Written(folder)


def shown(value: float, decimals: int, *, sign: str = "", unit: str = "") -> str:
    """Return a number as people read it, without the code under test."""
    text = f"{abs(value):,.{decimals}f}"
    is_zero = not text.strip("0.,")
    return ("" if is_zero else "−" if value < 0 else sign) + text + unit


def percent(cell: str, decimals: int = 0) -> str:
    return shown(100 * float(cell), decimals, unit="%") if cell else "—"


def move(cell: str) -> str:
    return shown(100 * math.expm1(float(cell)), 1, sign="+", unit="%") if cell else "—"


def test_outcomes_of_the_page_are_the_rows_of_the_file(written: Written) -> None:
    rows = [row for row in table_rows(written.page, "outcomes") if len(row) == 9][1:]

    assert len(rows) == len(written.outcomes) > 5
    for cells, one in zip(rows, written.outcomes, strict=True):
        rate, usual = one["hit_rate"], one["usual_rate"]
        assert [large for large, _ in cells] == [
            one["horizon_sessions"],
            f"{one['hits']} of {one['openings']}",
            one["episodes"],
            percent(rate),
            percent(usual),
            shown(100 * (float(rate) - float(usual)), 0, sign="+") if rate else "—",
            *(move(one[f"{name}_median"]) for name in ("gold", "iwm", "ratio")),
        ]
        ends = [one["hit_rate_adjusted_low"], one["hit_rate_adjusted_high"]]
        if rate:
            assert cells[3][1].startswith(f"{percent(ends[0])} to {percent(ends[1])}")
        lows = [one[f"{name}_median_low"] for name in ("gold", "iwm", "ratio")]
        highs = [one[f"{name}_median_high"] for name in ("gold", "iwm", "ratio")]
        assert [small for _, small in cells[6:]] == [
            f"{move(low)} to {move(high)}" if low else "" for low, high in zip(lows, highs, strict=True)
        ]


def test_medians_of_the_strips_are_those_of_the_outcomes(written: Written) -> None:
    strips = re.findall(r'<div class="strip">.*?<small><b>(.*?)</b>', written.page, flags=re.DOTALL)

    medians = [
        move(one[f"{name}_median"])
        for horizon in ("5", "20")
        for one in written.outcomes
        if one["horizon_sessions"] == horizon and one["openings"] != "0"
        for name in ("gold", "iwm", "ratio")
    ]
    assert strips == medians
    assert len(strips) > 5


def test_every_event_of_the_page_is_a_line_of_the_file(written: Written) -> None:
    rows = [row for row in re.findall(r"<tr>(.*?)</tr>", written.page) if "<code>ev_" in row]

    assert len(rows) == len(written.events) > 10
    for row, event in zip(rows, written.events, strict=True):
        cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        assert cells[0] == str(event["sequence"])
        assert cells[2] == KIND_TRAITS[Kind(event["kind"])].title
        assert cells[5:7] == [event["severity"], event["confirmation"]]
        assert cells[8] == event["event_id"]
        statistic = KIND_TRAITS[Kind(event["kind"])].statistic
        value = event["values"].get(statistic) if statistic else None
        assert cells[7] == ("—" if value is None else shown(value, 2, sign="+"))


def test_openings_are_counted_as_in_the_file(written: Written) -> None:
    opened = Counter(event["kind"] for event in written.events if event["type"] == "open")

    counted = {row[0][0]: row[2][0] for row in table_rows(written.page, "kinds")[1:] if len(row) == 8}
    assert counted == {
        kind.title: str(opened[name])
        for name, kind in ((each.value, KIND_TRAITS[each]) for each in Kind)
        if kind.title in counted
    }
    years = table_rows(written.page, "calendar")[1:]
    assert sum(int(row[-1][0]) for row in years) == sum(opened.values()) > 5
    letters = Counter(
        "".join(
            re.sub(r"([A-Z])(\d+)", lambda m: m[1] * int(m[2]), c) for row in years for c, _ in row[1:-1]
        ).replace(" ", "")
    )
    assert letters["R"] == opened["ratio_stretch"]
    assert letters["O"] == opened["opposite_moves"]


def test_moves_after_each_divergence_follow_from_the_closes_of_the_file(written: Written) -> None:
    labels = [row["session"] for row in written.stats]
    opened = [
        event for event in written.events if event["kind"] == "ratio_stretch" and event["type"] == "open"
    ]
    rows = re.findall(r'<tr id="ratio_stretch-\d+">(.*?)</tr>', written.page, flags=re.DOTALL)

    assert len(rows) == len(opened) > 3
    for row, event in zip(rows, opened, strict=True):
        cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)][-9:]
        # Opened by a close that was known at 20:15 of its session: from the next close on.
        start = labels.index(event["evidence"]["inputs"][0]["session"]) + 1
        expected = []
        for horizon in (1, 5, 20):
            for column in ("gold", "iwm", "log_ratio"):
                if start + horizon >= len(labels):
                    expected.append("—")
                    continue
                first, last = (float(written.stats[at][column]) for at in (start, start + horizon))
                change = math.expm1(last - first) if column == "log_ratio" else last / first - 1
                expected.append(shown(100 * change, 1, sign="+", unit="%"))
        assert cells == expected


def test_hedge_follows_from_the_ratio_of_the_session_before_in_the_file(written: Written) -> None:
    alone, hedged = [], []
    for before, row in zip(written.stats, written.stats[1:], strict=False):
        if before["hedge_ratio_60"]:
            # The gold file has no adjusted closes, the other file has.
            other = written.iwm[row["session"]] / written.iwm[before["session"]] - 1
            lead = float(row["gold"]) / float(before["gold"]) - 1
            alone.append(other)
            hedged.append(other + float(before["hedge_ratio_60"]) * lead)

    rows = table_rows(written.page, "hedge")[1:]
    for cells, returns in zip(rows, (alone, hedged), strict=True):
        wealth = np.cumprod([1.0, *(1 + each for each in returns)])
        depth = float(np.min(wealth / np.maximum.accumulate(wealth) - 1))
        assert [large for large, _ in cells[1:4]] == [
            shown(100 * (float(wealth[-1]) - 1), 1, sign="+", unit="%"),
            shown(100 * stdev(returns) * math.sqrt(252), 1, unit="%"),
            shown(100 * depth, 1, sign="+", unit="%"),
        ]
    left = stdev(hedged) ** 2 / stdev(alone) ** 2
    assert f"as a hedge {'removed' if left < 1 else 'added'} {shown(100 * abs(1 - left), 1)}%" in written.page


def test_ends_of_the_lines_are_the_last_row_of_the_file(written: Written) -> None:
    last, first = written.stats[-1], written.stats[0]
    ends = [
        *(
            f"{title} {shown(100 * float(last[leg]) / float(first[leg]), 1)}"
            for title, leg in (("Gold", "gold"), ("IWM", "iwm"))
        ),
        f"ratio {shown(math.exp(float(last['log_ratio'])), 2)}",
        f"z {shown(float(last['z_90']), 2, sign='+')}",
        *(f"{size}: {shown(float(last[f'corr_{size}']), 2, sign='+')}" for size in (20, 60, 252)),
        f"beta {shown(float(last['beta_60']), 2, sign='+')}",
    ]

    found = re.findall(r'<div class="ends">(.*?)</div>', written.page)
    assert set(ends) <= set(re.findall(r">([^<]+)</span>", "".join(found)))


def test_verdict_counts_what_the_files_hold(written: Written) -> None:
    (verdict,) = re.findall(r'<section id="verdict"><p>(.*?)</p>', written.page)
    opened = [event for event in written.events if event["type"] == "open" and event["kind"] != "data_fault"]

    # The correlation over 60 sessions is the first number that decides a kind.
    observed = sum(any(row[name] for name in ("corr_60", "z_90", "e_break")) for row in written.stats)
    assert 252 < observed < len(written.stats)
    assert f"({len(written.stats)} sessions, in {observed} of which a divergence could open;" in verdict
    alerts = len(written.events)
    assert f"{alerts} alerts, {shown(alerts * 252 / observed, 1)} a year" in verdict
    assert f"about {len(opened)} divergences" in verdict


def test_links_lead_to_the_files(written: Written) -> None:
    assert re.findall(r'<a href="([^"#]+)" download>', written.page) == [
        "stats.csv",
        "events.jsonl",
        "../outcomes.csv",
    ]
