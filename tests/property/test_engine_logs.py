"""Whatever a log says: its batches, and where a worker dies over it, change nothing."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import BARS, DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord, decode_tick_record, encode_tick_record
from shared.domain.divergences import Confirmation, DivergenceEvent, Transition
from shared.domain.instants import parse_rfc3339
from tests.property.engine_logs import LATE_Z, RULE, Course, courses, join_quotes
from tests.support.builders_market import pair
from tests.support.pair_story import make_engine, restart

# A log is worth many examples: it crosses dozens of levels.
few = settings(max_examples=max(1, settings().max_examples // 3))
SECOND_PAIR = pair("gold-spy", other="SPY.TEST")


@dataclass
class Told:
    """What a log made an engine say."""

    events: list[bytes] = field(default_factory=list)
    sampled: list[bytes] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    late_ticks: int = 0
    snapshot: bytes = b""


def run(log: list[TickRecord], *, restarts: set[int] | None = None, engine: LeadEngine | None = None) -> Told:
    engine = engine or make_engine(rule=RULE)
    told = Told()
    for index, record in enumerate(log):
        if restarts is not None and index in restarts:
            engine = restart(engine)
        effects = engine.apply(record)
        told.events += [DIVERGENCES.encode(event) for event in effects.events]
        told.sampled += [BARS.encode(bar) for bar in effects.sampled]
        told.counted.update(effects.suppressed)
        told.late_ticks += effects.late_ticks
    told.snapshot = SIGNALS.encode(take_snapshot(engine.monitors[0], engine.progress.watermark_ns))
    return told


def events_of(course: Course) -> list[DivergenceEvent]:
    return [DIVERGENCES.decode(value) for value in run(course.log()).events]


@few
@given(course=courses, cuts=st.sets(st.integers(0, 600), max_size=30))
def test_batches_change_nothing(course: Course, cuts: set[int]) -> None:
    log = course.log()
    single = run(log)

    assert run(join_quotes(log, set())) == single
    assert run(join_quotes(log, cuts)) == single


@few
@given(course=courses, restarts=st.sets(st.integers(0, 600), max_size=12))
def test_a_restart_at_any_record_changes_nothing(course: Course, restarts: set[int]) -> None:
    joined = join_quotes(course.log(), restarts)

    assert run(joined, restarts=restarts) == run(joined)


@few
@given(course=courses)
def test_a_log_read_from_its_bytes_says_the_same(course: Course) -> None:
    read = [decode_tick_record(encode_tick_record(record)) for record in course.log()]

    assert run(read) == run(course.log())


@few
@given(course=courses)
def test_a_second_pair_of_the_lead_does_not_change_what_the_first_says(course: Course) -> None:
    both = make_engine(pair(), SECOND_PAIR, rule=RULE)

    told, alone = run(course.log(), engine=both), run(course.log())
    assert (told.events, told.sampled) == (alone.events, alone.sampled)


@few
@given(course=courses)
def test_numbers_are_gap_free_from_one(course: Course) -> None:
    numbers = [event.sequence for event in events_of(course)]

    assert numbers == list(range(1, len(numbers) + 1))


@few
@given(course=courses)
def test_identities_are_unique(course: Course) -> None:
    events = events_of(course)

    assert len({event.event_id for event in events}) == len(events)


@few
@given(course=courses)
def test_openings_and_ends_alternate_for_each_fingerprint(course: Course) -> None:
    by_fingerprint: dict[str, list[DivergenceEvent]] = {}
    for event in events_of(course):
        by_fingerprint.setdefault(event.fingerprint, []).append(event)
    for events in by_fingerprint.values():
        opened: str | None = None
        for event in events:
            if event.type is Transition.OPEN:
                assert opened is None
                opened = event.divergence_id
            assert event.divergence_id == opened
            if event.type.is_final:
                opened = None


@few
@given(course=courses)
def test_confirmed_divergence_ends_by_a_close_only(course: Course) -> None:
    confirmed: set[str] = set()
    for event in events_of(course):
        if event.type.is_final and event.divergence_id in confirmed:
            assert (event.type, event.confirmation) == (Transition.CLOSED, Confirmation.CONFIRMED)
        if event.type in (Transition.NOT_CONFIRMED, Transition.REVISED):
            assert event.confirmation is Confirmation.CONFIRMED
        if event.type in (Transition.EXPIRED, Transition.NOT_CONFIRMED):
            assert event.divergence_id not in confirmed
        if event.confirmation is Confirmation.CONFIRMED:
            confirmed.add(event.divergence_id)


@few
@given(course=courses)
def test_every_event_stands_in_the_order_of_time_and_within_its_own_life(course: Course) -> None:
    events = events_of(course)
    for event in events:
        assert event.opened_at <= event.occurred_at < event.not_after
    for before, after in pairwise(events):
        assert parse_rfc3339(before.occurred_at) <= parse_rfc3339(after.occurred_at)


@few
@given(course=courses)
def test_late_ticks_are_never_used(course: Course) -> None:
    """Nor are trades beside quotes: both stand where no other price does."""
    for event in events_of(course):
        if event.confirmation is Confirmation.PROVISIONAL:
            assert abs(event.values["z_90"] or 0.0) < LATE_Z / 2


def test_the_drawn_logs_reach_every_transition() -> None:
    """The properties above say nothing if the logs are quiet."""
    seen: Counter[str] = Counter()

    @given(course=courses)
    def look(course: Course) -> None:
        told = run(course.log())
        seen.update(f"{event.type}" for event in map(DIVERGENCES.decode, told.events))
        seen.update(told.counted)
        seen["late"] += told.late_ticks

    look()
    wanted = {
        *(each.value for each in Transition if each is not Transition.TEST),
        "cooldown", "stale", "bar_unchanged", "trade_superseded", "late",
    }  # fmt: skip
    assert {name for name in wanted if not seen[name]} == set()
