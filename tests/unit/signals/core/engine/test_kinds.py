"""What each kind says of a pair whose closes are chosen, and what faults of the data hold back."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.contracts.records import DIVERGENCES
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarsMode
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Interval,
    Kind,
    Null,
    Severity,
    Significance,
    Transition,
)
from shared.domain.instants import parse_rfc3339
from shared.domain.ticks import FeedState
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    quotes,
    status,
)
from tests.support.pair_story import make_engine

Floats = NDArray[np.float64]
SESSIONS = calendar("2018-01-02")
FIRST = "2019-06-03"
START = SESSIONS.index_of(FIRST)
WARM = 300


@dataclass
class Closes:
    """A pair told by the log returns of its legs, close after close.

    Parameters
    ----------
    returns
        Those of the history, shape ``(n, 2)``: the lead's and the other's.
    """

    returns: Floats
    rules: tuple[Rule, ...] = PUBLISHED_RULES
    false_alarms: tuple[FalseAlarms, ...] = ()
    engine: LeadEngine = field(init=False)
    at: int = field(init=False, default=START)
    prices: list[float] = field(init=False)
    events: list[DivergenceEvent] = field(init=False, default_factory=list)
    suppressed: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Tell the history."""
        self.engine = make_engine(rules=self.rules, sessions=SESSIONS, false_alarms=self.false_alarms)
        closes = np.array([1_300.0, 150.0]) * np.exp(np.cumsum(self.returns, axis=0))
        labels = SESSIONS.labels[START - len(closes) : START]
        for leg, instrument in enumerate((LEAD, OTHER)):
            bars = [
                bar(s, float(c), instrument=instrument, known_at_ns=ny(f"{s} 20:15"))
                for s, c in zip(labels, closes[:, leg], strict=True)
            ]
            self.take(bar_batch(*bars, mode=BarsMode.HISTORY))
        self.prices = [float(price) for price in closes[-1]]
        self.take(status(ny(f"{FIRST} 09:30")))

    def take(self, record: TickRecord) -> list[DivergenceEvent]:
        """Let the engine read one record."""
        effects = self.engine.apply(record)
        self.events += effects.events
        for reason, count in effects.suppressed.items():
            self.suppressed[reason] = self.suppressed.get(reason, 0) + count
        return list(effects.events)

    def close(self, lead: float, other: float, *, state: FeedState = FeedState.LIVE) -> list[DivergenceEvent]:
        """Tell the next session's closes by their log returns, and reach 20:15; return its events."""
        session = SESSIONS.labels[self.at]
        self.at += 1
        self.returns = np.vstack((self.returns, (lead, other)))
        self.prices = [self.prices[0] * float(np.exp(lead)), self.prices[1] * float(np.exp(other))]
        known_ns = ny(f"{session} 20:15")
        made: list[DivergenceEvent] = []
        for instrument, price in zip((LEAD, OTHER), self.prices, strict=True):
            made += self.take(bar_batch(bar(session, price, instrument=instrument, known_at_ns=known_ns)))
        return made + self.take(status(known_ns, state=state))


def quiet(seed: int = 3, *, correlation: float = -0.3) -> Floats:
    """Return returns of two legs with a constant correlation."""
    rng = np.random.default_rng(seed)
    covariance = [[1.0, correlation], [correlation, 1.0]]
    return rng.multivariate_normal([0.0, 0.0], covariance, WARM) * 0.008


def figure_of(rule: Rule) -> FalseAlarms:
    """Return what ``convex calibrate`` may have found for a rule."""
    return FalseAlarms(
        pair="gold-iwm",
        kind=rule.kind,
        rule_version=rule.version,
        per_year=3.6,
        standard_error=0.01,
        low=2.9,
        high=4.4,
        refits=20,
        null=Null.UNRELATED_LEGS,
        block_length=64.3,
        paths=1_000,
        years=20,
        seed=1,
        first_session="2012-11-14",
        last_session="2017-03-31",
        returns=1_100,
        observed=16,
        observed_sessions=1_008,
    )


def only(*kinds: Kind) -> tuple[Rule, ...]:
    return tuple(rule for rule in PUBLISHED_RULES if rule.kind in kinds)


def fisher(a: Floats, b: Floats) -> float:
    """Compute z of the last 20 against the last 252 pairs, with effective sizes, from scipy and numpy."""

    def part(size: int) -> tuple[float, float]:
        x, y = a[-size:], b[-size:]

        def lag_1(v: Floats) -> float:
            d = v - v.mean()
            return float((d[:-1] * d[1:]).sum() / (d * d).sum())

        p = lag_1(x) * lag_1(y)
        return float(stats.pearsonr(x, y).statistic), min(size, max(4, size * (1 - p) / (1 + p)))

    (short, n_short), (long, n_long) = part(20), part(252)
    return float((np.arctanh(short) - np.arctanh(long)) / np.sqrt(1 / (n_short - 3) + 1 / (n_long - 3)))


def test_legs_that_part_ways_open_opposite_moves_with_the_numbers_that_decided() -> None:
    story = Closes(quiet(), only(Kind.OPPOSITE_MOVES))
    opened: list[DivergenceEvent] = []
    while not opened:
        opened = story.close(0.012, -0.012)
        assert story.at < START + 8

    (event,) = opened
    a, b = story.returns[:, 0], story.returns[:, 1]
    gap = float((a - b)[-90:].std(ddof=1))
    expected = float((a[-5:].sum() - b[-5:].sum()) / (gap * np.sqrt(5)))
    assert event.values["opposite_moves"] == pytest.approx(expected, rel=1e-9)
    assert event.values["return_5_lead"] == pytest.approx(a[-5:].sum(), rel=1e-9)
    assert (event.kind, event.direction, event.type) == (
        Kind.OPPOSITE_MOVES,
        Direction.RISK_OFF,
        Transition.OPEN,
    )
    assert event.confirmation is Confirmation.CONFIRMED
    assert event.significance == Significance(
        correlation=None, effective_size=None, false_alarms_per_year=None
    )
    assert event.thresholds == {"warning": 2.0, "critical": 3.0, "leave": 1.0}
    assert expected >= 2.0


def test_legs_that_fall_together_at_different_speeds_part_no_ways() -> None:
    """The distance is as large, but both returns have one sign."""
    story = Closes(quiet(correlation=0.3), only(Kind.OPPOSITE_MOVES))
    for _ in range(5):
        assert story.close(-0.001, -0.03) == []

    values = story.engine.monitors[0].statistics.values
    assert values["opposite_moves"] is not None
    assert values["opposite_moves"] > 2


def test_opposite_moves_escalate_ease_and_close() -> None:
    story = Closes(quiet(), only(Kind.OPPOSITE_MOVES))
    for move in [0.012] * 4 + [0.03] * 2 + [0.0] * 8:
        story.close(move, -move)

    told = [(event.type, event.severity) for event in story.events]
    assert told[0][0] is Transition.OPEN
    assert (Transition.ESCALATED, Severity.CRITICAL) in told
    assert told[-1][0] is Transition.CLOSED


def test_correlation_that_turns_breaks_and_says_how_sure_that_is() -> None:
    story = Closes(quiet(correlation=-0.5), only(Kind.CORRELATION_BREAK))
    rng = np.random.default_rng(11)
    opened: list[DivergenceEvent] = []
    while not opened:
        shock = float(rng.normal(0, 0.008))
        opened = story.close(shock, shock + float(rng.normal(0, 0.002)))
        assert story.at < START + 25

    (event,) = opened
    a, b = story.returns[:, 0], story.returns[:, 1]
    assert event.values["fisher_z"] == pytest.approx(fisher(a, b), rel=1e-9)
    assert fisher(a, b) >= 2.58
    assert fisher(a[:-1], b[:-1]) < 2.58
    assert event.direction is Direction.TIGHTENING
    assert event.significance is not None
    assert event.significance.correlation is not None
    assert event.significance.correlation.value == pytest.approx(
        np.corrcoef(a[-20:], b[-20:])[0, 1], rel=1e-9
    )
    low, value = event.significance.correlation.low, event.significance.correlation.value
    assert low is not None
    assert value is not None
    assert low < value
    assert event.significance.false_alarms_per_year is None
    assert event.values["n_eff_20"] == event.significance.effective_size == event.significance.n_eff


@pytest.mark.parametrize("kind", [Kind.OPPOSITE_MOVES, Kind.REGIME_CHANGE, Kind.RATIO_STRETCH])
def test_event_of_any_kind_about_the_market_says_how_often_chance_opens_it(kind: Kind) -> None:
    (rule,) = only(kind)
    chance = figure_of(rule)
    story = Closes(quiet(), (rule,), (chance,))
    for move in [0.012] * 10 + [-0.012] * 20:
        story.close(move, -move)

    sure = story.events[0].significance
    assert sure is not None
    assert (sure.correlation, sure.effective_size, sure.n_eff) == (None, None, None)
    assert (sure.false_alarms_per_year, sure.interval) == (3.6, Interval(low=2.9, high=4.4))
    assert (sure.null, sure.period) == (Null.UNRELATED_LEGS, chance.period)
    assert sure.observed == chance.openings
    assert sure.exceeds_chance is False


def test_figure_of_other_levels_is_not_told() -> None:
    (rule,) = only(Kind.OPPOSITE_MOVES)
    story = Closes(quiet(), (replace(rule, warning=1.9),), (figure_of(rule),))
    while not story.events:
        story.close(0.012, -0.012)

    sure = story.events[0].significance
    assert sure == Significance(correlation=None, effective_size=None, false_alarms_per_year=None)
    assert sure.exceeds_chance is None


def test_correlation_that_falls_loosens() -> None:
    story = Closes(quiet(correlation=0.7), only(Kind.CORRELATION_BREAK))
    rng = np.random.default_rng(12)
    while not story.events:
        shock = float(rng.normal(0, 0.008))
        story.close(shock, -shock + float(rng.normal(0, 0.002)))
        assert story.at < START + 25

    assert story.events[0].direction is Direction.LOOSENING
    assert fisher(story.returns[:, 0], story.returns[:, 1]) <= -2.58


def test_hedge_is_lost_at_the_lower_end_of_the_interval_and_found_again_at_zero() -> None:
    story = Closes(quiet(correlation=0.0), only(Kind.HEDGE_LOST))
    rng = np.random.default_rng(13)
    while not story.events:
        shock = float(rng.normal(0, 0.008))
        story.close(shock, shock + float(rng.normal(0, 0.006)))
        assert story.at < START + 70
    opened = story.events[0]
    while len({event.type for event in story.events}) < 2 or story.events[-1].type is not Transition.CLOSED:
        before = story.engine.monitors[0].statistics.values["corr_60"]
        shock = float(rng.normal(0, 0.008))
        story.close(shock, -shock + float(rng.normal(0, 0.006)))
        assert story.at < START + 180

    closed = story.events[-1]
    assert (opened.direction, opened.type) == (Direction.RISK_OFF, Transition.OPEN)
    low = opened.values["corr_ci_60_low"]
    assert low is not None
    assert low > 0.1
    after = np.corrcoef(story.returns[-60:, 0], story.returns[-60:, 1])[0, 1]
    assert after <= 0 < (before or 0.0)
    assert closed.values["corr_60"] == pytest.approx(after, rel=1e-9)


def test_change_of_regime_opens_and_closes_at_once() -> None:
    story = Closes(quiet(), only(Kind.REGIME_CHANGE))
    for move in [-0.01] * 25 + [0.02] * 15:
        story.close(move, -move)

    opened, closed = story.events[-2:]
    assert (opened.type, closed.type) == (Transition.OPEN, Transition.CLOSED)
    assert opened.divergence_id == closed.divergence_id
    assert opened.occurred_at == closed.occurred_at
    assert opened.values["regime"] == 1.0
    assert opened.values["regime_before"] in (0.0, -1.0)
    assert opened.direction is Direction.RISK_OFF
    z = opened.values["z_90"]
    assert z is not None
    assert z >= 1


def test_bytes_of_every_event_hold_no_number_that_json_does_not_know() -> None:
    story = Closes(quiet(seed=5))
    rng = np.random.default_rng(5)
    for _ in range(60):
        story.close(*(float(each) for each in rng.normal(0, 0.02, 2)))

    assert {event.kind for event in story.events} >= {Kind.RATIO_STRETCH, Kind.REGIME_CHANGE}
    for event in story.events:
        json.loads(DIVERGENCES.encode(event), parse_constant=pytest.fail)


# -- faults ------------------------------------------------------------------------------------------------


def ticking(rules: tuple[Rule, ...] = PUBLISHED_RULES) -> Closes:
    story = Closes(quiet(), rules)
    story.take(quotes({ny(f"{FIRST} 10:00"): story.prices[0]}))
    story.events.clear()
    return story


def faults(events: list[DivergenceEvent]) -> list[tuple[Transition, Direction, set[str]]]:
    return [
        (event.type, event.direction, set(event.values)) for event in events if event.kind is Kind.DATA_FAULT
    ]


def test_feed_that_is_silent_for_a_minute_is_a_fault_until_it_speaks() -> None:
    story = ticking()
    at = ny(f"{FIRST} 10:05")
    for seconds in (0, 30, 59):
        assert story.take(status(at + seconds * SECOND, state=FeedState.STALE)) == []

    begun = story.take(status(at + 60 * SECOND, state=FeedState.STALE))
    again = story.take(status(at + 61 * SECOND, state=FeedState.STALE))
    ended = story.take(status(at + 90 * SECOND))

    assert faults(begun) == [(Transition.OPEN, Direction.LEAD, {"stale"})]
    assert again == []
    assert faults(ended) == [(Transition.CLOSED, Direction.LEAD, {"lasted_seconds"})]
    assert ended[0].values["lasted_seconds"] == 30.0


def test_feed_that_was_silent_for_less_is_none() -> None:
    story = ticking()
    at = ny(f"{FIRST} 10:05")
    story.take(status(at, state=FeedState.STALE))
    story.take(status(at + 30 * SECOND))
    story.take(status(at + 61 * SECOND, state=FeedState.STALE))

    assert faults(story.events) == []


def test_burst_of_absurd_prices_is_a_fault_for_a_minute_and_moves_nothing() -> None:
    story = ticking()
    at = ny(f"{FIRST} 10:05")
    price = story.prices[0]
    absurd = {at + each * SECOND: price * (1_000.0 if each % 2 else 1e6) for each in range(5)}

    begun = story.take(quotes(absurd))
    ended = story.take(status(at + 4 * SECOND + MINUTE))

    assert faults(begun) == [(Transition.OPEN, Direction.LEAD, {"bad_ticks"})]
    assert faults(ended) == [(Transition.CLOSED, Direction.LEAD, {"lasted_seconds"})]
    assert story.engine.legs[LEAD].last_price.price == price
    assert story.suppressed["tick_implausible"] == 5


def test_level_that_stays_is_believed_however_far_it_jumped() -> None:
    story = ticking()
    at = ny(f"{FIRST} 10:05")
    for each in range(3):
        story.take(quotes({at + each * SECOND: story.prices[0] * 2}))

    assert story.engine.legs[LEAD].last_price.price == story.prices[0] * 2
    assert story.suppressed["tick_implausible"] == 2


def test_close_without_a_fresh_price_is_a_fault_until_a_bar_of_it_comes() -> None:
    story = ticking()
    begun = story.take(status(ny(f"{FIRST} 16:01")))
    late = bar(FIRST, story.prices[0], instrument=LEAD, known_at_ns=ny(f"{FIRST} 17:00"))
    story.take(bar_batch(late))
    ended = story.take(status(ny(f"{FIRST} 17:00")))

    assert faults(begun) == [(Transition.OPEN, Direction.LEAD, {"no_close_sample"})]
    assert faults(ended) == [(Transition.CLOSED, Direction.LEAD, {"lasted_seconds"})]


def test_bar_that_is_not_there_two_hours_after_it_should_be_is_a_fault_until_it_comes() -> None:
    story = ticking()
    story.take(quotes({ny(f"{FIRST} 15:59"): story.prices[0]}))
    before = story.take(status(ny(f"{FIRST} 22:15") - 1))
    begun = story.take(status(ny(f"{FIRST} 22:15")))
    story.take(bar_batch(bar(FIRST, story.prices[1], known_at_ns=ny(f"{FIRST} 23:00"))))
    ended = story.take(status(ny(f"{FIRST} 23:00")))

    assert faults(before) == []
    assert faults(begun) == [(Transition.OPEN, Direction.OTHER, {"missing_bar"})]
    assert faults(ended)[0] == (Transition.CLOSED, Direction.OTHER, {"lasted_seconds"})


def test_corrected_bar_is_reported_before_what_it_changes() -> None:
    story = ticking()
    story.close(0.0, 0.0)
    known_ns = ny(f"{FIRST} 21:00")
    revised = bar(FIRST, story.prices[1] * 1.05, revision=1, known_at_ns=known_ns)
    story.take(bar_batch(revised))
    made = story.take(status(known_ns))

    told = faults(made)
    assert [each[:2] for each in told] == [
        (Transition.OPEN, Direction.OTHER),
        (Transition.CLOSED, Direction.OTHER),
    ]
    assert made[0].values["revised_from"] == pytest.approx(story.prices[1])
    assert made[0].values["revised_to"] == pytest.approx(story.prices[1] * 1.05)


def test_what_a_fault_held_back_opens_when_the_fault_is_over() -> None:
    """The ratio is stretched while the other leg's bar is missing: nobody is told before it has come."""
    hold = 300
    story = ticking()
    stretched = story.prices[0] * float(np.exp(0.25))
    day_2 = SESSIONS.labels[START + 1]
    story.take(quotes({ny(f"{FIRST} 15:59"): story.prices[0]}))
    story.take(status(ny(f"{FIRST} 22:16")))
    at = ny(f"{day_2} 10:00")
    story.take(quotes([(at + each * SECOND, stretched) for each in range(hold + 60)]))
    market = [event for event in story.events if event.kind is not Kind.DATA_FAULT]
    assert market == []
    assert story.suppressed["inhibited"] >= 1

    story.take(bar_batch(bar(FIRST, story.prices[1], known_at_ns=at + 400 * SECOND)))
    story.take(quotes([(at + (400 + each) * SECOND, stretched) for each in range(hold + 60)]))

    opened = [event for event in story.events if event.kind is Kind.RATIO_STRETCH]
    assert [(event.type, event.confirmation) for event in opened] == [
        (Transition.OPEN, Confirmation.PROVISIONAL)
    ]


def test_change_of_regime_during_a_fault_is_reported_when_the_fault_is_over() -> None:
    moves = [(-0.01, 0.01)] * 25 + [(0.02, -0.02)] * 15
    undisturbed = Closes(quiet(), only(Kind.REGIME_CHANGE, Kind.DATA_FAULT))
    changes = [at for at, move in enumerate(moves) if undisturbed.close(*move)]
    expected = undisturbed.events[-2:]
    story = Closes(quiet(), only(Kind.REGIME_CHANGE, Kind.DATA_FAULT))
    for move in moves[: changes[-1]]:
        story.close(*move)

    at = ny(f"{SESSIONS.labels[story.at]} 20:15")
    story.take(quotes({at - 10 * MINUTE: story.prices[0]}))
    for seconds in (120, 60):
        story.take(status(at - seconds * SECOND, state=FeedState.STALE))
    story.events.clear()
    story.close(*moves[changes[-1]], state=FeedState.STALE)
    assert story.events == []
    assert story.suppressed["inhibited"] == 1

    story.take(status(at + MINUTE))

    opened, closed = (event for event in story.events if event.kind is Kind.REGIME_CHANGE)
    assert (opened.type, closed.type) == (Transition.OPEN, Transition.CLOSED)
    assert (opened.direction, opened.values) == (expected[0].direction, expected[0].values)
    assert opened.occurred_at > expected[0].occurred_at


def test_without_a_rule_for_faults_nothing_is_held_back() -> None:
    story = ticking(only(Kind.RATIO_STRETCH))
    story.take(quotes({ny(f"{FIRST} 15:59"): story.prices[0]}))
    story.take(status(ny(f"{FIRST} 22:16")))
    at = ny(f"{SESSIONS.labels[START + 1]} 10:00")
    stretched = story.prices[0] * float(np.exp(0.25))
    story.take(quotes([(at + each * SECOND, stretched) for each in range(360)]))

    assert [event.type for event in story.events] == [Transition.OPEN]
    assert "inhibited" not in story.suppressed


@pytest.mark.parametrize("is_ratio_watched", [True, False])
def test_feed_that_comes_and_goes_is_held_at_fault_and_let_go_when_it_has_settled(
    is_ratio_watched: bool,
) -> None:
    rules = tuple(rule for rule in PUBLISHED_RULES if is_ratio_watched or rule.kind is not Kind.RATIO_STRETCH)
    story = ticking(rules)
    at = ny(f"{FIRST} 10:05")
    for _ in range(16):
        for seconds in (0, 61):
            story.take(status(at + seconds * SECOND, state=FeedState.STALE))
        story.take(status(at + 70 * SECOND))
        at += 80 * SECOND
    told = faults(story.events)
    assert story.suppressed["flapping"] >= 3
    assert told[-1][0] is Transition.OPEN
    story.take(status(ny(f"{FIRST} 15:59")))

    ended = [event for event in story.events if event.kind is Kind.DATA_FAULT][-1]
    assert (ended.type, ended.direction, ended.is_flapping) == (Transition.CLOSED, Direction.LEAD, False)
    # Settled after so many ten minutes without a change, not when the feed came back.
    assert ny(f"{FIRST} 10:45") < parse_rfc3339(ended.occurred_at) < ny(f"{FIRST} 15:59")


def test_bursts_of_two_legs_end_each_in_its_own_time() -> None:
    story = ticking()
    at = ny(f"{FIRST} 10:05")
    story.take(quotes({at: story.prices[1]}, instrument=OTHER))
    for instrument, leg, later in ((LEAD, 0, 0), (OTHER, 1, 20 * SECOND)):
        for each in range(5):
            absurd = story.prices[leg] * (1_000.0 if each % 2 else 1e6)
            story.take(quotes({at + later + each * SECOND: absurd}, instrument=instrument))

    story.take(status(at + 3 * MINUTE))

    told = [(event.type, event.direction, event.occurred_at[14:19]) for event in story.events]
    assert told == [
        (Transition.OPEN, Direction.LEAD, "05:04"),
        (Transition.OPEN, Direction.OTHER, "05:24"),
        (Transition.CLOSED, Direction.LEAD, "06:04"),
        (Transition.CLOSED, Direction.OTHER, "06:24"),
    ]
