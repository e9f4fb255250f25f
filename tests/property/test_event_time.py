"""A clock that runs ahead for a while and is set right again: what comes after is as if it never had.

The logs are those of `engine_markets`, with a status record for each minute and each tick of the lead. In the
other log the same records say a later time for a while, within a session. After it the statistics, faults
and open divergences are the same, and what opens later opens. Other than without it may be:

- numbers and ids, and when a divergence that ended too early opened again: its hold starts anew;
- whether an early warning ends by a close or expires, where a fault held that close back in one log only;
- how long a fault lasted that was reported too early and then held.
"""

from collections import Counter
from dataclasses import replace
from typing import TypeGuard

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.signals.core.divergence.state import Phase
from services.signals.core.engine.engine import LeadEngine
from shared.contracts.ticks import TickRecord
from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.instants import format_rfc3339
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from tests.property.engine_markets import Market, markets
from tests.property.test_engine_markets import engine_of
from tests.support.builders_market import HOUR, LEAD, MINUTE, ny, status
from tests.support.pair_story import restart

few = settings(max_examples=max(1, settings().max_examples // 10))
AHEAD = st.sampled_from([2 * MINUTE, HOUR, 5 * HOUR, 24 * HOUR, 48 * HOUR, 73 * HOUR, 720 * HOUR])


def live(market: Market) -> list[TickRecord]:
    """Return the log of a market with a status record for each minute and each tick of the lead."""
    told: list[TickRecord] = []
    now_ns, state = 0, FeedState.LIVE
    for record in market.log():
        if record.instrument == LEAD and isinstance(record, QuoteBatch | FeedStatus):
            ts_ns = int(record.ts_event_ns[-1]) if isinstance(record, QuoteBatch) else record.watermark_ns
            while now_ns and now_ns + MINUTE < ts_ns:
                now_ns += MINUTE
                told.append(status(now_ns, state=state))
            now_ns, state = max(now_ns, ts_ns), getattr(record, "state", FeedState.LIVE)
            told += [record, status(ts_ns)] if isinstance(record, QuoteBatch) else [record]
        else:
            told.append(record)
    return told


def with_clock_ahead(log: list[TickRecord], *, begin: int, until: int, ahead_ns: int) -> list[TickRecord]:
    return [
        replace(record, watermark_ns=record.watermark_ns + ahead_ns)
        if begin <= at < until and isinstance(record, FeedStatus) and record.instrument == LEAD
        else record
        for at, record in enumerate(log)
    ]


def run(
    log: list[TickRecord], *, restarts: frozenset[int] = frozenset()
) -> tuple[LeadEngine, list[DivergenceEvent], Counter[str]]:
    engine, events, counted = engine_of(), list[DivergenceEvent](), Counter[str]()
    for at, record in enumerate(log):
        if at in restarts:
            engine = restart(engine)
        effects = engine.apply(record)
        events += effects.events
        counted.update(effects.suppressed)
    return engine, events, counted


def known(engine: LeadEngine) -> object:
    """Return what an engine says of its pairs: statistics, faults, and which divergences are open."""
    return (
        [(each.statistics.session, each.statistics.values) for each in engine.monitors],
        [sorted(leg.data_quality.active_since_ns) for leg in engine.legs.values()],
        [
            (each.pair.name, kind, direction, state.severity, state.confirmation)
            for each in engine.monitors
            for kind, direction, state in each.transitions.known()
            if state.phase is Phase.OPEN
        ],
        engine.progress.watermark_ns,
        engine.progress.next_close,
    )


@st.composite
def episodes(draw: st.DrawFn) -> tuple[Market, int, int]:
    """Draw a market, and when the clock begins and ends to be wrong: within an hour of one session."""
    market = draw(markets)
    sessions = sorted({format_rfc3339(int(r.ts_event_ns[-1]))[:10] for r in market.log() if is_tick(r)})
    session = draw(st.sampled_from(sessions[:-1]))
    # On the day before a holiday the market closes at 13:00.
    assume(session != "2019-07-03")
    begin_ns = ny(f"{session} 10:00") + draw(st.integers(0, 240)) * MINUTE
    return market, begin_ns, begin_ns + draw(st.integers(1, 60)) * MINUTE


def is_tick(record: TickRecord) -> TypeGuard[QuoteBatch]:
    return isinstance(record, QuoteBatch) and record.instrument == LEAD


@few
@given(episode=episodes(), ahead_ns=AHEAD, restarts=st.frozensets(st.integers(0, 6_000), max_size=6))
def test_clock_that_was_ahead_for_a_while_changes_nothing_after_it(
    episode: tuple[Market, int, int], ahead_ns: int, restarts: frozenset[int]
) -> None:
    market, begin_ns, until_ns = episode
    log = live(market)
    wrong = [
        at
        for at, record in enumerate(log)
        if isinstance(record, FeedStatus)
        and record.instrument == LEAD
        and begin_ns <= record.watermark_ns < until_ns
    ]
    assume(wrong)
    disturbed = with_clock_ahead(log, begin=wrong[0], until=wrong[-1] + 1, ahead_ns=ahead_ns)

    engine, events, _ = run(log)
    other, other_events, _ = run(disturbed, restarts=restarts)

    assert known(other) == known(engine)
    over = format_rfc3339(ny(f"{format_rfc3339(begin_ns)[:10]} 23:30"))
    assert openings(events, after=over) <= openings(other_events, after=over) | open_at(other_events, over)


def openings(events: list[DivergenceEvent], *, after: str) -> set[object]:
    """Return which divergences of the market open after an instant."""
    return {
        (event.pair, event.kind, event.direction)
        for event in events
        if event.type is Transition.OPEN and event.kind.is_market and event.occurred_at > after
    }


def open_at(events: list[DivergenceEvent], instant: str) -> set[object]:
    """Return which divergences are open at an instant."""
    known: dict[object, bool] = {}
    for event in events:
        if event.occurred_at <= instant:
            known[event.pair, event.kind, event.direction] = not event.type.is_final
    return {each for each, is_open in known.items() if is_open}


def test_the_drawn_clocks_move_event_time_and_it_comes_back() -> None:
    """The property above says nothing if no clock is ahead of anything that is due."""
    counted: Counter[str] = Counter()

    @settings(max_examples=12, derandomize=True)
    @given(episode=episodes())
    def look(episode: tuple[Market, int, int]) -> None:
        log = live(episode[0])
        wrong = [
            at
            for at, record in enumerate(log)
            if isinstance(record, FeedStatus) and episode[1] <= record.watermark_ns < episode[2]
        ]
        assume(wrong)
        ahead = with_clock_ahead(log, begin=wrong[0], until=wrong[-1] + 1, ahead_ns=48 * HOUR)
        counted.update(run(ahead)[2])

    look()
    assert counted["event_time_went_back"] > 5
