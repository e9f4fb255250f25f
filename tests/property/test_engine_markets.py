"""Every kind, two pairs, legs that tick: batches and restarts change nothing, and identities hold."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import BARS, DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord, decode_tick_record, encode_tick_record
from shared.domain.divergences import DivergenceEvent, Kind, Transition
from shared.domain.instants import parse_rfc3339
from tests.property.engine_logs import join_quotes
from tests.property.engine_markets import PAIRS, RULES, Market, markets, sessions
from tests.support.pair_story import make_engine, restart

# A log takes a third of a second and is worth many examples: it crosses dozens of levels.
few = settings(max_examples=max(1, settings().max_examples // 10))


def engine_of(*pairs: int) -> LeadEngine:
    return make_engine(*(PAIRS[each] for each in pairs or (0, 1)), rules=RULES, sessions=sessions())


def run(
    log: list[TickRecord], *, restarts: set[int] | None = None, engine: LeadEngine | None = None
) -> tuple[list[bytes], list[bytes], Counter[str], list[bytes]]:
    """Return events, sampled bars, what was not acted on, and the last snapshots."""
    engine = engine or engine_of()
    events, sampled, counted = list[bytes](), list[bytes](), Counter[str]()
    for index, record in enumerate(log):
        if restarts is not None and index in restarts:
            engine = restart(engine)
        effects = engine.apply(record)
        events += [DIVERGENCES.encode(event) for event in effects.events]
        sampled += [BARS.encode(bar) for bar in effects.sampled]
        counted.update(effects.suppressed)
        counted["late"] += effects.late_ticks
    shown = [
        SIGNALS.encode(take_snapshot(monitor, engine.progress.watermark_ns)) for monitor in engine.monitors
    ]
    return events, sampled, counted, shown


def events_of(market: Market) -> list[DivergenceEvent]:
    return [DIVERGENCES.decode(value) for value in run(market.log())[0]]


@few
@given(market=markets, cuts=st.sets(st.integers(0, 900), max_size=30))
def test_batches_change_nothing(market: Market, cuts: set[int]) -> None:
    log = market.log()
    single = run(log)

    assert run(join_quotes(log, set())) == single
    assert run(join_quotes(log, cuts)) == single


@few
@given(market=markets, restarts=st.sets(st.integers(0, 900), max_size=8))
def test_a_restart_at_any_record_changes_nothing(market: Market, restarts: set[int]) -> None:
    joined = join_quotes(market.log(), restarts)

    assert run(joined, restarts=restarts) == run(joined)


@few
@given(market=markets)
def test_a_pair_says_the_same_with_and_without_the_other(market: Market) -> None:
    """Without the coin's ticks: they move event time, and an engine without that pair does not read them."""
    log = [record for record in market.log() if record.instrument != "BTC/USD.TEST"]
    both, alone = run(log)[0], run(log, engine=engine_of(0))[0]

    first = [value for value in both if DIVERGENCES.decode(value).pair == PAIRS[0].name]
    assert first == alone


@few
@given(market=markets)
def test_a_log_read_from_its_bytes_says_the_same(market: Market) -> None:
    read = [decode_tick_record(encode_tick_record(record)) for record in market.log()]

    assert run(read) == run(market.log())


@few
@given(market=markets)
def test_what_is_reported_is_in_order(market: Market) -> None:
    """One run, many laws: a log is dear."""
    events = events_of(market)
    assert_identities_are_unique_and_numbers_gap_free(events)
    assert_openings_and_ends_alternate(events)
    assert_events_stand_in_the_order_of_time(events)
    assert_nothing_opens_or_escalates_while_the_data_are_at_fault(events)
    for event in events:
        # An absurd price must not get that far.
        assert all(0 < leg.price < 1e6 and leg.age_seconds >= 0 for leg in event.legs)


def assert_identities_are_unique_and_numbers_gap_free(events: list[DivergenceEvent]) -> None:
    assert len({event.event_id for event in events}) == len(events)
    for pair in PAIRS:
        numbers = [event.sequence for event in events if event.pair == pair.name]
        assert numbers == list(range(1, len(numbers) + 1))


def assert_openings_and_ends_alternate(events: list[DivergenceEvent]) -> None:
    opened: dict[str, str] = {}
    for event in events:
        if event.type is Transition.OPEN:
            assert event.fingerprint not in opened
            opened[event.fingerprint] = event.divergence_id
        assert event.divergence_id == opened[event.fingerprint]
        if event.type.is_final:
            del opened[event.fingerprint]


def assert_events_stand_in_the_order_of_time(events: list[DivergenceEvent]) -> None:
    for event in events:
        assert event.opened_at <= event.occurred_at < event.not_after
    for before, after in pairwise(events):
        assert parse_rfc3339(before.occurred_at) <= parse_rfc3339(after.occurred_at)


def assert_nothing_opens_or_escalates_while_the_data_are_at_fault(events: list[DivergenceEvent]) -> None:
    at_fault: Counter[str] = Counter()
    for event in events:
        if event.kind is Kind.DATA_FAULT:
            at_fault[event.pair] += {Transition.OPEN: 1, Transition.CLOSED: -1}.get(event.type, 0)
        elif at_fault[event.pair]:
            assert event.type not in (Transition.OPEN, Transition.ESCALATED)


def test_the_drawn_markets_reach_every_kind_and_every_reason() -> None:
    """The properties above say nothing if the markets are quiet."""
    seen: Counter[str] = Counter()

    @settings(max_examples=max(20, settings().max_examples // 5))
    @given(market=markets)
    def look(market: Market) -> None:
        events, sampled, counted, _ = run(market.log())
        decoded = [DIVERGENCES.decode(value) for value in events]
        seen.update(f"{event.kind}/{event.direction}/{event.type}" for event in decoded)
        seen.update(cause for event in decoded if event.kind is Kind.DATA_FAULT for cause in event.values)
        seen.update(counted)
        seen["sampled"] += len(sampled)

    look()
    wanted = {
        *(f"opposite_moves/{each}" for each in ("risk_off/open", "risk_off/closed", "risk_on/open")),
        *(f"correlation_break/{each}/open" for each in ("tightening", "loosening")),
        "hedge_lost/risk_off/open",
        *(f"regime_change/{each}" for each in ("risk_off/open", "risk_on/open", "risk_on/closed")),
        *(f"data_fault/{each}" for each in ("lead/open", "lead/closed", "other/open", "other/closed")),
        *("stale", "bad_ticks", "missing_bar", "no_close_sample", "revised_from"),
        *("inhibited", "tick_implausible", "close_sample_stale", "cooldown", "sampled"),
    }  # fmt: skip
    assert {name for name in wanted if not seen[name]} == set()
