"""Wherever a worker dies inside a checkpoint, and whoever it watches, the log says the same in the end."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
    is_lead_key,
    key_of_lead,
)
from services.signals.checkpoint.plan import BEGINNING, plan_restore
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.pair_state import dump_pair
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarBatch
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from tests.property.engine_logs import RULE, Course, courses, join_quotes
from tests.support.builders_market import LEAD, OTHER, pair
from tests.support.pair_story import make_engine

few = settings(max_examples=max(1, settings().max_examples // 4))
SPY, QQQ = "SPY.TEST", "QQQ.TEST"
# The last two have their other leg in common.
PAIRS = (pair(), pair("gold-spy", other=SPY), pair("gold-qqq", other=QQQ), pair("gold-nasdaq", other=QQQ))
RULES: tuple[Rule, ...] = tuple(RULE if rule.kind is Kind.RATIO_STRETCH else rule for rule in PUBLISHED_RULES)


def log_of(course: Course, cuts: set[int]) -> list[TickRecord]:
    """Return the course with bars of the other legs: SPY's at the same levels, QQQ's a few records later."""
    log: list[TickRecord] = []
    later: list[tuple[int, TickRecord]] = []
    for record in join_quotes(course.log(), cuts):
        log.append(record)
        if isinstance(record, BarBatch) and record.instrument == OTHER:
            log.append(_scaled(record, SPY, 2.0))
            later.append((len(log) + 3, _scaled(record, QQQ, 2.5)))
        while later and later[0][0] <= len(log):
            log.append(later.pop(0)[1])
    return log + [record for _, record in later]


def _scaled(batch: BarBatch, instrument: str, factor: float) -> BarBatch:
    bars = tuple(
        replace(each, instrument=instrument, close=each.close * factor, adj_close=each.adj_close * factor)
        for each in batch.bars
    )
    return replace(batch, instrument=instrument, bars=bars)


@dataclass
class Worker:
    """A worker without Kafka: its topic is a dictionary, as compaction leaves it.

    Parameters
    ----------
    topic
        The last value of each key.
    events
        By pair, each different value in the order in which it was first published.
    """

    log: list[TickRecord]
    topic: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, dict[bytes, None]] = field(default_factory=dict)
    restored: RestoredEngine = field(init=False)
    offset: int = field(init=False, default=BEGINNING)
    written: int = field(init=False, default=BEGINNING)
    left: tuple[PairCheckpoint, ...] = field(init=False, default=())

    def start(self, pairs: tuple[Pair, ...]) -> None:
        """Restore what the topic says."""
        of_lead = self.topic.get(key_of_lead(LEAD))
        plan = plan_restore(
            LEAD,
            pairs,
            known_lead=decode_lead(of_lead) if of_lead is not None else None,
            known_pairs={
                key: decode_pair(value) for key, value in self.topic.items() if not is_lead_key(key)
            },
        )
        self.restored = RestoredEngine(
            make_engine(*pairs, rules=RULES),
            plan.lead,
            plan.pairs,
            frozen=plan.frozen,
            is_from_beginning=plan.applied == BEGINNING,
        )
        self.offset, self.written, self.retired = plan.applied, plan.written, plan.retired

    def run_to(self, end: int, *, checkpoints: set[int], effects_of_last: int | None = None) -> None:
        """Apply records until the one at ``end`` is done, or only some effects of its checkpoint."""
        engine = self.restored.engine
        while self.offset < end:
            self.offset += 1
            self.restored.thaw_before(self.offset)
            for event in engine.apply(self.log[self.offset]).events:
                self.events.setdefault(event.pair, {})[DIVERGENCES.encode(event)] = None
            is_last = self.offset == end and effects_of_last is not None
            if self.offset > self.written and (is_last or self.offset in checkpoints):
                self._checkpoint(effects_of_last if is_last else None)

    def _checkpoint(self, effects: int | None) -> None:
        engine = self.restored.engine
        changed = [monitor for monitor in engine.monitors if monitor.pair.name in engine.dirty]
        records = [
            (each.pair.pair, encode_pair(each))
            for each in (
                *(
                    PairCheckpoint(
                        applied_offset=self.offset, is_retired=False, pair=dump_pair(monitor, engine.waiting)
                    )
                    for monitor in changed
                ),
                *self.retired,
            )
        ]
        lead = LeadCheckpoint(applied_offset=self.offset, lead=dump_lead(engine))
        records.append((key_of_lead(LEAD), encode_lead(lead)))
        self.topic |= dict(records[:effects])
        engine.dirty.clear()
        self.retired = ()


def final(worker: Worker) -> list[bytes]:
    # What the next record would meet.
    worker.restored.thaw_before(worker.offset + 1)
    engine = worker.restored.engine
    return [
        SIGNALS.encode(take_snapshot(monitor, engine.progress.watermark_ns)) for monitor in engine.monitors
    ]


def straight(log: list[TickRecord]) -> Worker:
    worker = Worker(log)
    worker.start(PAIRS)
    worker.run_to(len(log) - 1, checkpoints=set())
    return worker


PLACES = st.integers(0, 600)


@few
@given(
    course=courses,
    cuts=st.sets(PLACES, max_size=30),
    checkpoints=st.sets(PLACES, max_size=20),
    deaths=st.lists(st.tuples(PLACES, st.integers(0, 5)), max_size=6),
)
def test_a_death_inside_a_checkpoint_changes_nothing(
    course: Course, cuts: set[int], checkpoints: set[int], deaths: list[tuple[int, int]]
) -> None:
    log = log_of(course, cuts)
    worker = Worker(log)
    worker.start(PAIRS)
    # Not in order: a worker may die again before it has come to where the one before it died.
    for at, effects in deaths:
        worker.run_to(min(at, len(log) - 1), checkpoints=checkpoints, effects_of_last=effects)
        worker.start(PAIRS)
    worker.run_to(len(log) - 1, checkpoints=checkpoints)

    expected = straight(log)
    assert {name: list(told) for name, told in worker.events.items()} == {
        name: list(told) for name, told in expected.events.items()
    }
    assert final(worker) == final(expected)


@few
@given(course=courses, cuts=st.sets(PLACES, max_size=30), checkpoints=st.sets(PLACES, max_size=20))
def test_a_pair_that_says_it_is_saved_is_saved(course: Course, cuts: set[int], checkpoints: set[int]) -> None:
    worker = Worker(log_of(course, cuts))
    worker.start(PAIRS)
    for offset in range(len(worker.log)):
        worker.run_to(offset, checkpoints=checkpoints)
        engine = worker.restored.engine
        for monitor in engine.monitors:
            if monitor.pair.name not in engine.dirty:
                saved = decode_pair(worker.topic[monitor.pair.name])
                assert encode_pair(replace(saved, pair=dump_pair(monitor, engine.waiting))) == encode_pair(
                    saved
                )


@few
@given(
    course=courses,
    cuts=st.sets(PLACES, max_size=30),
    checkpoints=st.sets(PLACES, max_size=20),
    changes=st.lists(st.tuples(PLACES, st.sets(st.integers(0, 2), min_size=1)), max_size=4),
)
def test_pairs_that_come_and_go_do_not_disturb_the_one_that_stays(
    course: Course, cuts: set[int], checkpoints: set[int], changes: list[tuple[int, set[int]]]
) -> None:
    log = log_of(course, cuts)
    worker = Worker(log)
    worker.start(PAIRS[:1])
    for at, watched in changes:
        worker.run_to(min(at, len(log) - 1), checkpoints=checkpoints)
        worker.start((PAIRS[0], *(PAIRS[1 + number] for number in sorted(watched))))
    worker.run_to(len(log) - 1, checkpoints=checkpoints)

    expected, name = straight(log), PAIRS[0].name
    assert list(worker.events.get(name, ())) == list(expected.events.get(name, ()))
    assert final(worker)[0] == final(expected)[0]
