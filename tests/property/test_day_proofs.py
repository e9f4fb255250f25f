"""Wherever a worker dies, and however its log is cut in batches, each day has one proof and one state."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.metrics import SignalsMetrics
from services.signals.worker import Worker
from shared.clock import SystemClock
from shared.contracts.records import PROOFS
from shared.contracts.ticks import TickRecord, encode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.pairs import Pair
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, event_digest, root_of
from shared.kafka import topics
from tests.property.engine_logs import Course, courses
from tests.property.test_checkpoints import PAIRS, PLACES, RULES, log_of
from tests.support.builders_market import LEAD, calendar
from tests.support.log_records import log_records
from tests.support.memory_topics import MemoryTopics, PowerCut, read_from_memory

few = settings(max_examples=max(1, settings().max_examples // 4))
# Its log is in the same partition.
NEIGHBOUR = "XAG/USD.TEST"
_OF_NEIGHBOUR = replace(PAIRS[0], name="silver-iwm", lead=NEIGHBOUR)
DEATHS = st.lists(st.integers(0, 90), max_size=6)


@pytest.fixture(autouse=True, scope="module")
def _memory() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        read_from_memory(patch)
        yield


def values_of(log: Sequence[TickRecord], *, has_neighbour: bool) -> list[bytes]:
    """Return a log's bytes; each record of the lead is followed by the same one of its neighbour."""
    values: list[bytes] = []
    for record in log:
        values.append(encode_tick_record(record))
        if has_neighbour and record.instrument == LEAD:
            values.append(encode_tick_record(_of_neighbour(record)))
    return values


def _of_neighbour(record: TickRecord) -> TickRecord:
    if isinstance(record, BarBatch):
        bars = tuple(replace(each, instrument=NEIGHBOUR) for each in record.bars)
        return replace(record, instrument=NEIGHBOUR, bars=bars)
    return replace(record, instrument=NEIGHBOUR)


def run(
    values: Sequence[bytes],
    memory: MemoryTopics,
    *,
    pairs: Sequence[Pair] = PAIRS,
    batches: Collection[int] = (),
    every: int = 1_000,
    effects: int = -1,
) -> bool:
    """Let one worker go on until the log ends, or it dies; return whether it came to the end."""

    async def go_on() -> None:
        memory.effects = effects
        worker = Worker(
            kafka=cast(Any, memory),
            publisher=memory,
            pairs=pairs,
            rules=RulesByPair(general=RULES),
            false_alarms={},
            calendar=calendar(),
            metrics=SignalsMetrics(CollectorRegistry(), pairs=[each.name for each in pairs]),
            clock=SystemClock(),
            checkpoint_every_records=every,
        )
        start = (await worker.restore(frozenset({0})))[0] or 0
        ends = sorted({*(end for end in batches if start < end < len(values)), len(values)})
        for begin, end in zip([start, *ends], ends, strict=False):
            await worker.process(0, log_records(values[begin:end], first=begin))
        await worker.flush()

    try:
        asyncio.run(go_on())
    except PowerCut:
        return False
    return True


def proofs_in(memory: MemoryTopics, lead: str = LEAD) -> list[DayProof]:
    """Return a lead's proofs, by day."""
    values = memory.values_by_key(topics.PROOFS.name)
    return [PROOFS.decode(values[key][-1]) for key in sorted(values) if is_proof(key, lead)]


def is_proof(key: str, lead: str) -> bool:
    return key.startswith(f"{lead}|2")


def straight(values: Sequence[bytes], pairs: Sequence[Pair] = PAIRS) -> MemoryTopics:
    memory = MemoryTopics()
    assert run(values, memory, pairs=pairs)
    return memory


@few
@given(
    course=courses,
    cuts=st.sets(PLACES, max_size=30),
    batches=st.sets(PLACES, max_size=30),
    every=st.sampled_from([1, 7, 1_000]),
    deaths=DEATHS,
    has_neighbour=st.booleans(),
    has_room=st.booleans(),
)
def test_a_death_between_any_two_effects_changes_no_proof_and_no_state(
    course: Course,
    cuts: set[int],
    batches: set[int],
    every: int,
    deaths: list[int],
    has_neighbour: bool,
    has_room: bool,
) -> None:
    values = values_of(log_of(course, cuts), has_neighbour=has_neighbour)
    pairs = (*PAIRS, _OF_NEIGHBOUR) if has_neighbour else PAIRS
    memory = MemoryTopics()
    memory.has_room = has_room
    for effects in deaths:
        run(values, memory, pairs=pairs, batches=batches, every=every, effects=effects)
    assert run(values, memory, pairs=pairs, batches=batches, every=every)

    expected = straight(values, pairs)
    assert memory.values_by_key(topics.PROOFS.name) == expected.values_by_key(topics.PROOFS.name)
    assert memory.values_by_key(topics.DIVERGENCES.name) == expected.values_by_key(topics.DIVERGENCES.name)
    proofs = proofs_in(memory)
    assert len(proofs) >= len(course.days) - 1
    assert [each.previous for each in proofs] == [NO_PROOF_BEFORE, *(each.root for each in proofs[:-1])]


@few
@given(course=courses, cuts=st.sets(PLACES, max_size=30))
def test_the_proofs_hold_every_event_up_to_the_last_days_end_and_every_record_once(
    course: Course, cuts: set[int]
) -> None:
    values = values_of(log_of(course, cuts), has_neighbour=True)
    memory = straight(values, (*PAIRS, _OF_NEIGHBOUR))

    for lead, pairs in ((LEAD, PAIRS), (NEIGHBOUR, (_OF_NEIGHBOUR,))):
        proofs = proofs_in(memory, lead)
        legs = {lead, *(each.other for each in pairs)}
        of_lead = [n for n, value in enumerate(values) if json.loads(value)["instrument"] in legs]
        assert sum(each.inputs.records for each in proofs) == of_lead.index(proofs[-1].inputs.last_offset) + 1
        assert all(each.root == root_of(each) for each in proofs)
        for pair in pairs:
            published = memory.values_by_key(topics.DIVERGENCES.name).get(pair.name, [])
            proven = [
                digest
                for proof in proofs
                for events in proof.events
                if events.pair == pair.name
                for digest in events.digests
            ]
            assert proven == [event_digest(value) for value in published][: len(proven)]
            # What is not proven yet is of the day under way.
            assert all(json.loads(value)["sequence"] > len(proven) for value in published[len(proven) :])


@few
@given(
    course=courses,
    batches=st.sets(PLACES, max_size=30),
    every=st.sampled_from([1, 7, 1_000]),
    before=st.integers(0, 40),
    deaths=DEATHS,
    has_room=st.booleans(),
)
def test_after_an_upgrade_the_first_day_begins_once(
    course: Course, batches: set[int], every: int, before: int, deaths: list[int], has_room: bool
) -> None:
    values = values_of(log_of(course, set()), has_neighbour=False)
    memory = MemoryTopics()
    memory.has_room = has_room
    run(values, memory, batches=batches, every=every, effects=before)
    memory.records[topics.STATE.name] = [
        (key, of_version_5(value)) for key, value in memory.records.get(topics.STATE.name, [])
    ]
    memory.records[topics.PROOFS.name] = []
    for effects in deaths:
        run(values, memory, batches=batches, every=every, effects=effects)
    assert run(values, memory, batches=batches, every=every)

    of_keys = memory.values_by_key(topics.PROOFS.name)
    # Copies of the state have other bytes after eight days.
    assert [key for key, each in of_keys.items() if len(each) > 1 and is_proof(key, LEAD)] == []
    proofs = proofs_in(memory)
    assert [each.previous for each in proofs] == [NO_PROOF_BEFORE, *(each.root for each in proofs)][:-1]
    of_lead = [number for number, value in enumerate(values) if b'"instrument"' in value]
    for each, following in pairwise(proofs):
        assert of_lead.index(following.inputs.first_offset) == of_lead.index(each.inputs.last_offset) + 1


def of_version_5(value: bytes) -> bytes:
    """Return a checkpoint as version 5 would have written it."""
    checkpoint = json.loads(value)
    return orjson.dumps(
        {name: each for name, each in checkpoint.items() if name not in ("day", "events")} | {"v": 5}
    )
