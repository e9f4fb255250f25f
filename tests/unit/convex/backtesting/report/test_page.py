"""The report says what the replay found, needs nothing from outside, and is the same every time."""

import csv
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from convex.backtesting.replay import Replayed, replay
from convex.backtesting.report.episodes import Session, episodes_of, sessions_of
from convex.backtesting.report.page import report_bytes
from convex.backtesting.stats_csv import COLUMNS, StatsRow
from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from shared.calendars import xnys_calendar
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Evidence,
    EvidenceInput,
    Leg,
    Severity,
    Transition,
)
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from tests.support.builders import divergence
from tests.support.data import shared_data

PAIR = load_pairs("replay")[0]
_VOID = {"meta", "line", "rect", "circle", "polyline", "br"}


def row(session: str, lead: float, other: float, z: float | None) -> StatsRow:
    cells = dict.fromkeys(COLUMNS, "")
    cells |= {"session": session, "gold": repr(lead), "iwm": repr(other)}
    cells |= {"log_ratio": repr(math.log(lead / other)), "z_90": "" if z is None else repr(z)}
    return tuple(cells.values())


# Monday to Friday, and the Monday after.
ROWS = [
    row("2020-03-02", 1600.0, 150.0, 1.2),
    row("2020-03-03", 1640.0, 145.0, 2.4),
    row("2020-03-04", 1632.0, 148.0, None),
    row("2020-03-05", 1670.0, 142.0, 3.6),
    row("2020-03-06", 1673.0, 139.0, 3.1),
    row("2020-03-09", 1680.0, 131.0, 0.8),
]


def evaluated(rows: list[StatsRow]) -> tuple[Session, ...]:
    """Return sessions of which each was evaluated by what its row says."""
    zs = {each[0]: float(each[COLUMNS.index("z_90")] or "nan") for each in rows}
    return sessions_of(rows, {label: {"z_90": None if math.isnan(z) else z} for label, z in zs.items()})


SESSIONS = evaluated(ROWS)


def told(transition: Transition, at: str, session: str | None, **changes: Any) -> DivergenceEvent:
    """Return an event of one risk-off divergence; by a close, unless ``session`` is None."""
    source = EvidenceInput(
        instrument=PAIR.lead, session=session, ts_event_ns=None if session else 1_583_000_000_000_000_000
    )
    fields: dict[str, Any] = {
        "type": transition,
        "occurred_at": at,
        "opened_at": "2020-03-04T01:15:00.000000Z",
        "direction": Direction.RISK_OFF,
        "confirmation": Confirmation.CONFIRMED if session else Confirmation.PROVISIONAL,
        "values": {"z_90": 2.4, "log_ratio": math.log(1640.0 / 145.0)},
        "legs": (
            Leg(instrument=PAIR.lead, price=1640.0, age_seconds=0.0, source="replay"),
            Leg(instrument=PAIR.other, price=145.0, age_seconds=0.0, source="replay"),
        ),
        "evidence": Evidence(inputs=(source,), window_sha256="", rule_version="r", code_version="c"),
    }
    return divergence(**(fields | changes))


OPENED = told(Transition.OPEN, "2020-03-04T01:15:00.000000Z", "2020-03-03")
ESCALATED = told(
    Transition.ESCALATED,
    "2020-03-06T01:15:00.000000Z",
    "2020-03-05",
    severity=Severity.CRITICAL,
    values={"z_90": 3.6},
)
CLOSED = told(Transition.CLOSED, "2020-03-10T00:15:00.000000Z", "2020-03-09", values={"z_90": 0.8})


def report(*events: DivergenceEvent, rows: list[StatsRow] = ROWS, **changes: Any) -> str:
    replayed = Replayed(rows=rows, events=list(events), ticks=12_345, bars=12)
    return report_bytes(replayed, pair=replace(PAIR, **changes), rules=(Rule(),)).decode()


class Checker(HTMLParser):
    """Collects what a page is made of, and insists that every element ends where it must."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += f"{data} "


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def test_page_is_whole_and_needs_nothing_from_outside() -> None:
    page = report(OPENED, ESCALATED, CLOSED)
    found = checked(page)

    assert "script" not in found.seen
    assert "svg" in found.seen
    assert set(found.links) == {"#ratio_stretch", "#ratio_stretch-1"}
    assert all(f'id="{link[1:]}"' in page for link in found.links)
    assert not re.search(r"https?://|@import|url\((?!#)", page)


def test_same_replay_gives_the_same_bytes() -> None:
    assert report(OPENED, ESCALATED, CLOSED) == report(OPENED, ESCALATED, CLOSED)


def test_divergence_tells_its_severity_its_length_and_its_farthest_z() -> None:
    (episode,) = episodes_of([OPENED, ESCALATED, CLOSED], SESSIONS, calendar=xnys_calendar())

    assert (episode.begin, episode.end) == (1, 5)
    assert episode.severity is Severity.CRITICAL
    assert episode.peak == 3.6
    assert episode.ended == CLOSED
    assert [(each.begin, each.end, each.severity.value) for each in episode.stretches] == [
        (1, 3, "warning"),
        (3, 5, "critical"),
    ]


def test_changes_are_counted_from_the_close_after_the_one_that_opened_it() -> None:
    (episode,) = episodes_of([OPENED], SESSIONS, calendar=xnys_calendar())
    one, five, twenty = episode.after

    # Reported on Tuesday evening: the first close after it is Wednesday's, and one session later is Thursday.
    assert one.lead == pytest.approx(1670 / 1632 - 1)
    assert one.other == pytest.approx(142 / 148 - 1)
    assert one.ratio == pytest.approx((1670 / 142) / (1632 / 148) - 1)
    assert (five.lead, five.other, five.ratio) == (None, None, None)
    assert twenty.lead is None


def test_changes_after_an_early_warning_begin_with_the_close_of_that_day() -> None:
    # Wednesday, 11:00 New York: from Wednesday's close to Thursday's.
    early = told(Transition.OPEN, "2020-03-04T16:00:00.000000Z", None)
    (episode,) = episodes_of([early], SESSIONS, calendar=xnys_calendar())

    assert episode.after[0].lead == pytest.approx(1670 / 1632 - 1)
    assert episode.begin == 2
    assert "provisional" in report(early)


def test_peak_of_a_risk_on_divergence_is_its_lowest_z() -> None:
    rows = [row(f"2020-03-0{day}", 1600.0, 150.0, z) for day, z in ((2, -2.1), (3, -3.4), (4, 4.0))]
    opened = told(
        Transition.OPEN,
        "2020-03-03T01:15:00.000000Z",
        "2020-03-02",
        direction=Direction.RISK_ON,
        values={"z_90": -2.1},
    )

    (episode,) = episodes_of([opened], evaluated(rows), calendar=xnys_calendar())

    assert episode.peak == -3.4


def test_open_divergence_reaches_to_the_last_session() -> None:
    (episode,) = episodes_of([OPENED], SESSIONS, calendar=xnys_calendar())

    assert episode.ended is None
    assert episode.end == 5
    assert "still open" in checked(report(OPENED)).text


def test_undefined_z_is_a_gap_in_the_line_and_a_dash_in_words() -> None:
    page = report()

    assert page.count('<polyline class="z"') == 2
    assert "4 Mar 2020: Gold 1,632.00, IWM 148.00, z —" in page


def test_summary_counts_sessions_events_and_reasons() -> None:
    values: dict[str, Values] = {each[0]: {"z_90": 1.0} for each in ROWS}
    replayed = Replayed(
        rows=ROWS, events=[OPENED, ESCALATED, CLOSED], values=values, ticks=12_345, bars=1_240
    )
    replayed.suppressed.update({"cooldown": 3, "never_happened": 0})

    text = checked(report_bytes(replayed, pair=PAIR, rules=(Rule(),)).decode()).text

    assert "12,345" in text
    assert "1,240 daily bars" in text
    assert "4 of 6" in text
    assert "A level was reached during the cooldown" in text
    assert "never_happened" not in text
    assert Rule().version in text


def test_names_are_text_and_never_markup() -> None:
    page = report(OPENED, title="<i>Gold</i> & co", lead_title="<script>x</script>")

    assert "<script" not in page
    assert "<i>Gold" not in page
    assert "&lt;i&gt;Gold&lt;/i&gt; &amp; co" in page


def test_simulated_pair_says_so() -> None:
    made_up = report(is_simulated=True, lead="XAU/USD.SIMULATED", other="IWM.SIMULATED")

    assert "simulated" in checked(made_up).text
    assert "simulated" not in checked(report()).text


@pytest.mark.parametrize("rows", [[], ROWS[:1]])
def test_too_few_sessions_for_a_line_say_so(rows: list[StatsRow]) -> None:
    page = report(rows=rows)

    assert "make no line" in checked(page).text
    assert "svg" not in checked(page).seen


def test_flight_to_safety_of_2020_is_reported_with_what_came_of_it() -> None:
    gold = shared_data("pair_gold_daily_20121114_20210331.csv")
    iwm = shared_data("pair_iwm_daily_20121114_20210331.csv")
    replayed = replay(
        Recording(lead_files=(gold,), other_files=(iwm,)),
        pair=PAIR,
        rules=(Rule(),),
        calendar=xnys_calendar(),
        code_version="test",
    )
    sessions = sessions_of(replayed.rows, replayed.values)
    episodes = episodes_of(replayed.events, sessions, calendar=xnys_calendar())
    march = next(each for each in episodes if each.opened.occurred_at.startswith("2020-02-25"))

    with iwm.open() as lines:
        closes = {each["date"]: float(each["close"]) for each in csv.DictReader(lines)}
    # Reported on Monday, 24 February 2020, at 20:15. 20 sessions after Tuesday's close is Tuesday, 24 March.
    assert march.after[2].other == pytest.approx(closes["2020-03-24"] / closes["2020-02-25"] - 1, rel=1e-12)
    assert march.peak is not None
    assert march.peak > 5
    assert march.severity is Severity.CRITICAL
    checked(report_bytes(replayed, pair=PAIR, rules=(Rule(),)).decode())
