"""Wrong closes of bars are reported, kept out of the windows and used once mended, live and in a history."""

import math
from dataclasses import replace

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarsMode
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.sessions import bar_final_at_ns
from tests.support.builders_market import LEAD, MINUTE, OTHER, bar, bar_batch, calendar, ny, quotes, status
from tests.support.faulty_bars import (
    SESSIONS,
    Run,
    as_log,
    causes_of,
    corrected,
    off_by,
    quiet_bars,
    split_batches,
)
from tests.support.pair_story import make_engine

COUNT, LIVE = 150, 14
BARS = quiet_bars(COUNT)
FACTORS = (10.0, 100.0, 2.0, 1.6, 0.01)


def bars_with(factors: dict[int, float], leg: str = OTHER) -> dict[str, list[Bar]]:
    return BARS | {leg: off_by(BARS[leg], factors)}


def run(bars: dict[str, list[Bar]], *more: TickRecord, live: int = LIVE) -> Run:
    return Run().take([*as_log(bars, live=live), *more])


def z_of(run_: Run) -> float:
    return run_.engine.monitors[0].statistics.values["z_90"] or math.nan


def test_right_bars_have_no_fault() -> None:
    made = run(BARS)

    assert (made.faults, made.suppressed, len(made.committed)) == ([], {}, LIVE)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("leg", [LEAD, OTHER])
def test_one_wrong_close_is_a_fault_until_the_next_good_one_and_in_no_window(factor: float, leg: str) -> None:
    made = run(bars_with({-9: factor}, leg))
    direction = Direction.LEAD if leg == LEAD else Direction.OTHER

    assert [(event.type, event.direction) for event in made.faults] == [
        (Transition.OPEN, direction),
        (Transition.CLOSED, direction),
    ]
    opened, closed = made.faults
    wrong, before = BARS[leg][-9], BARS[leg][-10]
    assert opened.occurred_at[:10] in (wrong.session, BARS[leg][-8].session)
    assert opened.values == {
        causes_of(opened)[0]: 0.0,
        "quarantined_closes": 1.0,
        "quarantined_close": wrong.close * factor,
        "quarantined_session": float(wrong.session.replace("-", "")),
        "last_good_close": before.close,
    }
    assert closed.values["quarantined_closes"] == 1.0
    assert sum(made.suppressed.values()) == 1
    assert made.quarantined(leg) == [wrong.session]
    assert wrong.session not in made.committed
    assert len(made.committed) == LIVE - 1
    assert [event for event in made.events if event.kind is not Kind.DATA_FAULT] == []


@pytest.mark.parametrize("factor", FACTORS)
def test_statistics_are_those_of_a_log_without_the_wrong_session(factor: float) -> None:
    wrong = BARS[OTHER][-9].session
    without = {leg: [each for each in bars if each.session != wrong] for leg, bars in BARS.items()}

    assert z_of(run(bars_with({-9: factor}))) == z_of(run(without))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("hours", [1, 24 * 5])
def test_correction_lets_the_close_in_whenever_it_comes(factor: float, hours: int) -> None:
    right = BARS[OTHER][-9]
    log = as_log(bars_with({-9: factor}), live=LIVE)
    fix = corrected(right, right.close, hours=hours)
    at = next(at for at, each in enumerate(log) if getattr(each, "watermark_ns", 0) >= fix.known_at_ns)
    made = Run().take([*log[:at], bar_batch(fix), *log[at:]])

    assert made.quarantined() == []
    assert made.causes() == []
    assert z_of(made) == z_of(run(BARS))
    revised = [event for event in made.faults if "revised_to" in event.values]
    assert [(event.values["revised_from"], event.values["revised_to"]) for event in revised] == [
        (right.close * factor, right.close)
    ] * 2


def test_correction_that_is_wrong_takes_the_close_out_and_the_next_one_brings_it_back() -> None:
    right = BARS[OTHER][-1]
    made = run(BARS, bar_batch(corrected(right, right.close * 10)), status(right.known_at_ns + 3_600 * 10**9))

    assert made.quarantined() == [right.session]
    assert made.causes() == ["unapplied_split"]
    assert made.engine.legs[OTHER].history.newest_session == BARS[OTHER][-2].session
    assert made.engine.monitors[0].statistics.session == BARS[OTHER][-2].session

    again = corrected(right, right.close, revision=2, hours=2)
    made.take([bar_batch(again), status(again.known_at_ns)])

    assert (made.quarantined(), made.causes()) == ([], [])
    assert z_of(made) == z_of(run(BARS))


def test_correction_in_the_middle_that_is_wrong_takes_the_close_out() -> None:
    right = BARS[OTHER][-9]
    fix = corrected(right, right.close * 100, hours=24 * 12)
    made = run(BARS, bar_batch(fix), status(fix.known_at_ns))

    assert made.quarantined() == [right.session]
    assert made.causes() == [], "the newest close is good"
    assert made.suppressed["bar_close_jump"] == 1


def test_close_that_is_sent_again_is_not_counted_again() -> None:
    wrong = bars_with({-1: 10.0})
    last = wrong[OTHER][-1]
    made = run(wrong, bar_batch(last), bar_batch(*wrong[OTHER][-40:], mode=BarsMode.HISTORY))

    assert made.suppressed == {"bar_unapplied_split": 1, "bar_unchanged": 1}
    assert made.quarantined() == [last.session]
    outdated = replace(last, close=99.0, adj_close=99.0, source="another")
    made.take([bar_batch(outdated), status(last.known_at_ns)])
    assert made.suppressed["bar_outdated"] == 1


@pytest.mark.parametrize("factor", FACTORS)
def test_history_that_has_the_right_close_mends_a_quarantined_one(factor: float) -> None:
    made = run(bars_with({-9: factor}))
    right = corrected(BARS[OTHER][-9], BARS[OTHER][-9].close, hours=24 * 12)
    assert made.quarantined() == [right.session]

    made.take([bar_batch(right, mode=BarsMode.HISTORY)])

    assert made.quarantined() == []
    assert z_of(made) == z_of(run(BARS))


def test_level_that_stays_is_used_with_the_fourth_close_and_each_session_has_its_row() -> None:
    made = run(bars_with({-row: 1.6 for row in range(1, 10)}))

    assert made.told() == ["open other close_jump", "closed other"]
    opened, closed = made.faults
    assert closed.occurred_at[:10] > BARS[OTHER][-6].session >= opened.occurred_at[:10]
    assert made.committed == list(SESSIONS.labels[-LIVE:])
    assert made.suppressed["bar_close_jump"] == 3
    assert closed.values["quarantined_closes"] == 3.0


@pytest.mark.parametrize(("ratio", "name"), [(0.5, "2:1"), (2 / 3, "3:2"), (10.0, "1:10")])
def test_split_that_is_not_applied_inhibits_until_the_history_is_adjusted(ratio: float, name: str) -> None:
    made = run(bars_with({-row: ratio for row in range(1, 6)}))
    assert made.told() == ["open other unapplied_split"], name
    assert len(made.quarantined()) == 5
    assert made.engine.monitors[0].transitions.is_inhibited

    adjusted = [
        replace(each, close=each.close * ratio, adj_close=each.adj_close * ratio) for each in BARS[OTHER][:-5]
    ]
    made.take([bar_batch(*adjusted, mode=BarsMode.HISTORY)])

    assert made.told() == ["open other unapplied_split", "closed other"]
    assert (made.quarantined(), made.causes()) == ([], [])
    assert z_of(made) == pytest.approx(z_of(run(BARS)), abs=1e-9)


@pytest.mark.parametrize("ratio", [0.5, 2 / 3, 10.0])
def test_split_that_is_adjusted_on_its_day_is_no_fault(ratio: float) -> None:
    bars = BARS | {
        OTHER: [
            replace(each, close=each.close / ratio) if row < COUNT - 10 else each
            for row, each in enumerate(BARS[OTHER])
        ]
    }

    assert run(bars).faults == []


@pytest.mark.parametrize("ratio", [0.5, 2 / 3, 10.0])
def test_split_that_is_never_applied_ends_after_ten_closes(ratio: float) -> None:
    made = run(bars_with({-row: ratio for row in range(1, 13)}))

    assert made.told() == ["open other unapplied_split", "closed other"]
    assert made.faults[1].values["quarantined_closes"] == 9.0
    assert made.quarantined() == []


def test_crash_of_a_seventh_is_no_fault() -> None:
    assert run(bars_with({-row: 0.87 for row in range(1, 10)})).faults == []


def test_market_that_halves_in_three_days_is_not_held_back_for_long() -> None:
    steps = {-6: 0.62, -5: 0.55} | {-row: 0.5 for row in range(1, 5)}
    made = run(bars_with(steps))

    assert made.told() == ["open other close_jump", "closed other"]
    assert made.quarantined() == []
    assert [event.kind for event in made.events if event.type is Transition.OPEN][1:] != []


@pytest.mark.parametrize("legs", [(OTHER,), (LEAD,), (LEAD, OTHER)])
def test_forty_repeated_closes_are_a_fault_from_the_fifth_on_and_inhibit(legs: tuple[str, ...]) -> None:
    stuck = {
        leg: [
            replace(each, close=bars[-41].close, adj_close=bars[-41].close) if row >= COUNT - 40 else each
            for row, each in enumerate(bars)
        ]
        if leg in legs
        else bars
        for leg, bars in BARS.items()
    }
    made = run(stuck, live=42)

    assert sorted(made.told()) == sorted(
        f"open {'lead' if leg == LEAD else 'other'} stuck_close" for leg in legs
    )
    assert {event.occurred_at[:10] for event in made.faults} <= {SESSIONS.labels[-37], SESSIONS.labels[-36]}
    begun = made.faults[0].sequence
    opened = [event for event in made.events if event.type is Transition.OPEN and event.sequence > begun]
    assert {event.kind for event in opened} <= {Kind.DATA_FAULT}
    assert len(made.committed) == 42, "a repeated close is kept in the windows"


def test_stuck_close_ends_with_a_different_one() -> None:
    level = BARS[OTHER][-11].close
    stuck = [
        replace(each, close=level, adj_close=level) if -10 <= row - COUNT < -3 else each
        for row, each in enumerate(BARS[OTHER])
    ]

    assert run(BARS | {OTHER: stuck}).told() == ["open other stuck_close", "closed other"]


@pytest.mark.parametrize(
    ("before", "after", "is_fault"), [(0.998224, 0.997628, True), (0.997628, 0.998224, False)]
)
def test_spliced_adjustment_is_a_fault_for_ten_closes_or_until_it_is_mended(
    before: float, after: float, is_fault: bool
) -> None:
    spliced = [
        replace(each, adj_close=each.close * (before if row < COUNT - 13 else after))
        for row, each in enumerate(BARS[OTHER])
    ]
    made = run(BARS | {OTHER: spliced})
    assert made.told() == (["open other adjusted_splice", "closed other"] if is_fault else [])

    made = run(BARS | {OTHER: spliced[: COUNT - 8]}, live=LIVE)
    if is_fault:
        assert made.causes()[0] == "adjusted_splice"
        mended = [replace(each, adj_close=each.close) for each in spliced[: COUNT - 8]]
        made.take([bar_batch(*mended, mode=BarsMode.HISTORY)])
        assert "adjusted_splice" not in made.causes()


# -- histories ---


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("rows", [(0,), (100,), (100, 101, 102), (-LIVE - 1,), (-LIVE - 9, -LIVE - 1)])
def test_wrong_closes_of_a_history_are_reported_once_event_time_begins(
    factor: float, rows: tuple[int, ...]
) -> None:
    bars = bars_with(dict.fromkeys(rows, factor))
    made = run(bars)

    assert [event.type for event in made.faults] == [Transition.OPEN, Transition.CLOSED]
    first_ns = bar_final_at_ns(SESSIONS.labels[-LIVE])
    assert {event.occurred_at[:16] for event in made.faults} == {made.faults[0].occurred_at[:16]}
    assert made.faults[0].values["quarantined_closes"] == len(rows)
    assert made.engine.progress.watermark_ns > first_ns
    assert made.quarantined() == sorted(bars[OTHER][row].session for row in rows)
    assert sum(made.suppressed.values()) == len(rows)
    gone = {bars[OTHER][row].session for row in rows}
    without = {leg: [each for each in bars_ if each.session not in gone] for leg, bars_ in BARS.items()}
    assert z_of(made) == z_of(run(without))


@pytest.mark.parametrize(("ratio", "since"), [(0.5, 100), (1.6, 100), (0.5, 15)])
def test_jump_that_a_history_believed_is_reported_all_the_same(ratio: float, since: int) -> None:
    made = run(
        bars_with(
            {-LIVE - row: ratio for row in range(1, since)} | {-row: ratio for row in range(1, LIVE + 1)}
        )
    )

    assert made.told() == [
        f"open other {'unapplied_split' if ratio == 0.5 else 'close_jump'}",
        "closed other",
    ]
    assert made.quarantined() == []


def test_old_splice_and_old_repeated_closes_of_a_history_are_reported_once() -> None:
    odd = [
        replace(each, close=120.0, adj_close=120.0)
        if 100 <= row < 106
        else replace(each, adj_close=each.close * (0.998224 if row < 112 else 0.997628))
        if row < COUNT - 10
        else replace(each, adj_close=each.close)
        for row, each in enumerate(BARS[OTHER])
    ]
    made = run(BARS | {OTHER: odd})

    opened = made.faults[0]
    assert {"stuck_close", "adjusted_splice"} <= set(causes_of(opened))
    assert [event.type for event in made.faults][:2] == [Transition.OPEN, Transition.CLOSED]


def test_fault_at_the_end_of_a_history_holds_until_a_good_close() -> None:
    """An early warning must not be held against the close before a wrong one without a word."""
    bars = bars_with({-3: 10.0})
    log = [bar_batch(*(each for each in leg[:-2]), mode=BarsMode.HISTORY) for leg in bars.values()]
    begin = SESSIONS.open_ns[-2]
    made = Run().take([*log, quotes({begin: 1_300.0})])

    assert made.told() == ["open other unapplied_split"]
    assert made.engine.monitors[0].transitions.is_inhibited
    made.take(
        [
            quotes({SESSIONS.close_ns[-2]: 1_300.0}),
            bar_batch(bars[OTHER][-2]),
            status(bar_final_at_ns(SESSIONS.labels[-2])),
        ]
    )
    assert made.told() == ["open other unapplied_split", "closed other"]


@pytest.mark.parametrize("sizes", [(1,), (7,), (2, 30, 1)])
@pytest.mark.parametrize(
    "factors",
    [{100: 10.0}, {0: 10.0}, {100: 1.6, 101: 1.6}, {-row: 0.5 for row in range(1, 41)}, {-3: 100.0}],
)
def test_how_a_history_is_cut_into_batches_changes_nothing(
    factors: dict[int, float], sizes: tuple[int, ...]
) -> None:
    log = as_log(bars_with(factors), live=LIVE)
    whole, cut = Run().take(log), Run().take(split_batches(log, sizes))

    reported = [
        [(event.type, event.direction, event.occurred_at, event.values) for event in each.faults]
        for each in (cut, whole)
    ]
    assert reported[0] == reported[1]
    counts = [
        {reason: count for reason, count in each.suppressed.items() if reason.startswith("bar_")}
        for each in (cut, whole)
    ]
    assert counts[0] == counts[1]
    assert cut.quarantined() == whole.quarantined()
    assert cut.committed == whole.committed
    assert cut.engine.monitors[0].statistics.values == whole.engine.monitors[0].statistics.values


def test_history_that_comes_while_event_time_runs_is_reported_at_once() -> None:
    bars = bars_with({-9: 10.0})
    early = as_log(BARS, live=LIVE)
    made = Run().take([record for record in early if record.instrument != OTHER])
    assert made.faults == []

    made.take([bar_batch(*bars[OTHER], mode=BarsMode.HISTORY)])

    assert made.told() == ["open other unapplied_split", "closed other"]


# -- other faults ---


def test_nothing_is_missing_before_the_first_bar_of_a_leg() -> None:
    bars = BARS | {LEAD: BARS[LEAD][-5:]}
    made = Run().take(as_log(bars, live=LIVE))
    for label in SESSIONS.labels[-2:]:
        made.take([status(bar_final_at_ns(label) + 3 * 60 * MINUTE)])

    assert made.faults == []


def test_bar_that_is_quarantined_is_not_missing() -> None:
    bars = bars_with({-1: 10.0})
    made = run(bars, status(bar_final_at_ns(SESSIONS.labels[-1]) + 3 * 60 * MINUTE))

    assert made.causes() == ["unapplied_split"]


def test_wrong_close_ends_the_wait_for_a_missing_bar() -> None:
    late = {OTHER: [each for each in BARS[OTHER] if each.session != SESSIONS.labels[-3]], LEAD: BARS[LEAD]}
    late[OTHER] = off_by(late[OTHER], {-2: 10.0})
    made = run(late)

    assert made.told()[0] == "open other missing_bar"
    assert made.causes() == []


def test_wrong_close_is_kept_out_even_where_faults_are_not_reported() -> None:
    made = Run(rules=(Rule(),)).take(as_log(bars_with({-9: 10.0}), live=LIVE))

    assert made.events == []
    assert made.quarantined() == [BARS[OTHER][-9].session]
    assert made.suppressed == {"bar_unapplied_split": 1}


def test_sampled_close_is_screened_like_a_bar() -> None:
    log = as_log({OTHER: BARS[OTHER], LEAD: BARS[LEAD][:-1]}, live=1)
    session = SESSIONS.labels[-1]
    price = BARS[LEAD][-2].close * 1.6
    ticks = [quotes({ny(f"{session} 15:5{minute}"): price}) for minute in range(5)]
    made = Run().take([*log[:2], *ticks, *log[2:]])

    assert made.causes(LEAD) == ["close_jump"]
    assert made.quarantined(LEAD) == [session]


def test_ratio_is_flat_below_the_rounding_of_prices() -> None:
    rng = np.random.default_rng(1)
    for noise, is_flat in ((4e-7, True), (4e-6, False)):
        moves = np.exp(np.cumsum(rng.normal(0, 0.01, 120)))
        jitter = np.exp(rng.choice([-noise, noise], 120))
        made = Run(rules=()).take(
            as_log(
                {
                    LEAD: [
                        bar(label, 1_300.0 * each * wobble, instrument=LEAD)
                        for label, each, wobble in zip(SESSIONS.labels[-120:], moves, jitter, strict=True)
                    ],
                    OTHER: [
                        bar(label, 150.0 * each)
                        for label, each in zip(SESSIONS.labels[-120:], moves, strict=True)
                    ],
                },
                live=2,
            )
        )
        assert (made.engine.monitors[0].statistics.values["z_90"] is None) == is_flat


def test_pair_may_lose_the_only_session_that_its_legs_have_in_common() -> None:
    labels = SESSIONS.labels[-5:]
    log: list[TickRecord] = [bar_batch(bar(labels[0], 1_300.0, instrument=LEAD))]
    for label, close in zip(labels, (1_500.0, 150.0, 151.0, 150.0, 151.0), strict=True):
        log += [bar_batch(bar(label, close)), status(bar_final_at_ns(label))]
    made = Run().take(log)

    assert made.committed == [labels[0]]
    assert made.quarantined() == [labels[0]]
    assert made.engine.monitors[0].statistics.count == 0


def test_late_close_that_enters_a_full_history_pushes_the_oldest_out() -> None:
    sessions = calendar("2015-01-02", "2019-12-31")
    labels = sessions.labels[-803:]
    gone = labels[-3]
    bars = [
        bar(label, 150.0 + row % 3, instrument=OTHER, known_at_ns=bar_final_at_ns(label))
        for row, label in enumerate(labels)
    ]
    engine = make_engine(sessions=sessions)
    engine.apply(bar_batch(*bars[:800], mode=BarsMode.HISTORY))
    for each in bars[800:]:
        if each.session != gone:
            engine.apply(bar_batch(each))
        engine.apply(status(each.known_at_ns))
    assert len(engine.legs[OTHER].history) == 800
    late = next(each for each in bars if each.session == gone)
    engine.apply(bar_batch(late))

    assert engine.legs[OTHER].history.get(gone) is not None
    assert engine.legs[OTHER].history.sessions == list(labels[-800:])
