"""A worker goes on from checkpoints of versions 2, 3, 4 and 5 as one that was never upgraded."""

import json
from dataclasses import replace

import pytest

from services.signals.checkpoint.codec import (
    PairCheckpoint,
    applied_offset_of,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
    is_lead_key,
    key_of_lead,
)
from services.signals.checkpoint.plan import RestorePlan, plan_restore
from services.signals.core.divergence.state import Phase
from services.signals.core.engine.lead_state import LeadState, dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.pairs.event import divergence_id
from services.signals.core.pairs.pair_state import PairState, dump_pair
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Confirmation, DivergenceEvent, Kind
from shared.errors import DecodeError
from tests.contract.examples import GOLDEN
from tests.golden.engine import make_engine
from tests.support.builders_market import LEAD
from tests.support.old_topic import PAIRS, OldTopic, old_topics

each_topic = pytest.mark.parametrize("topic", old_topics(), ids=lambda topic: topic.name)
EARLY = next(topic for topic in old_topics() if topic.name == "early_warning")


def plan_of(topic: OldTopic) -> RestorePlan:
    return plan_restore(
        LEAD,
        PAIRS,
        known_lead=decode_lead(topic.records[key_of_lead(LEAD)]),
        known_pairs={key: decode_pair(value) for key, value in topic.records.items() if not is_lead_key(key)},
    )


def upgraded(key: str, value: bytes) -> bytes:
    return encode_lead(decode_lead(value)) if is_lead_key(key) else encode_pair(decode_pair(value))


def events_after_upgrade(topic: OldTopic) -> list[DivergenceEvent]:
    """Return what a worker reports that goes on from the old checkpoints."""
    plan = plan_of(topic)
    assert plan.applied == topic.applied_offset, "the log before the checkpoint is not needed"
    restored = RestoredEngine(
        make_engine(PAIRS), plan.lead, plan.pairs, frozen=plan.frozen, is_from_beginning=False
    )
    events: list[DivergenceEvent] = []
    for offset in range(topic.applied_offset + 1, topic.last_offset + 1):
        restored.thaw_before(offset)
        events += restored.engine.apply(topic.log()[offset]).events
    return events


def events_without_upgrade(topic: OldTopic) -> list[DivergenceEvent]:
    """Return what a worker of this version reports after the checkpoints that has read the whole log."""
    engine, events = make_engine(PAIRS), list[DivergenceEvent]()
    for offset, record in enumerate(topic.log()[: topic.last_offset + 1]):
        reported = engine.apply(record).events
        if offset > topic.applied_offset:
            events += reported
    return events


@each_topic
def test_a_worker_goes_on_with_the_ids_that_version_2_published(topic: OldTopic) -> None:
    """The rule of ratio stretches has a new field since, so theirs are others."""
    ids = [event.event_id for event in events_after_upgrade(topic) if event.kind is not Kind.RATIO_STRETCH]

    assert len(ids) > 25
    published = iter(topic.event_ids)
    assert [each for each in ids if each in published] == ids, "every one of them, and in the same order"


@each_topic
def test_what_is_open_at_the_upgrade_ends_under_the_id_that_it_began_with(topic: OldTopic) -> None:
    known = {
        (old.pair, key): state
        for old in plan_of(topic).pairs
        for key, state in old.divergences.items()
        if state.phase is Phase.OPEN
    }
    ended = {
        (event.pair, f"{event.kind.value}/{event.direction.value}"): event
        for event in reversed(events_after_upgrade(topic))
        if event.type.is_final
    }

    for key in known.keys() & ended.keys():
        pair = next(each for each in PAIRS if each.name == key[0])
        event, state = ended[key], known[key]
        assert event.divergence_id == divergence_id(pair, event.kind, event.direction, state)


@each_topic
def test_a_worker_goes_on_as_one_that_has_read_the_whole_log(topic: OldTopic) -> None:
    """But for a hold under way, which begins again because the rule has changed."""

    def is_held(event: DivergenceEvent) -> bool:
        return topic.name == "hold_pending" and event.confirmation is Confirmation.PROVISIONAL

    after, without = (
        [event for event in events if not is_held(event)]
        for events in (events_after_upgrade(topic), events_without_upgrade(topic))
    )

    assert [what_happened(event) for event in after] == [what_happened(event) for event in without]
    # Their numbers differ by what early warnings version 2 reported and this version does not.
    assert [bytes_without_number(event) for event in after] == [
        bytes_without_number(event) for event in without
    ]


def what_happened(event: DivergenceEvent) -> tuple[object, ...]:
    return event.pair, event.kind, event.direction, event.type, event.severity, event.occurred_at


def bytes_without_number(event: DivergenceEvent) -> bytes | None:
    """Return an event's bytes, all but its number; None for one whose ids the changed rule has changed."""
    if event.kind is Kind.RATIO_STRETCH:
        return None
    return DIVERGENCES.encode(replace(event, sequence=1))


@pytest.mark.parametrize(
    "topic", [each for each in old_topics() if each.applied_offset < 4_000], ids=lambda topic: topic.name
)
def test_an_upgraded_checkpoint_is_the_one_that_this_version_would_have_written(topic: OldTopic) -> None:
    engine = make_engine(PAIRS)
    for record in topic.log()[: topic.applied_offset + 1]:
        engine.apply(record)

    plan = plan_of(topic)
    assert plan.lead == without_new_fields(dump_lead(engine))
    for monitor in engine.monitors:
        old = decode_pair(topic.records[monitor.pair.name])
        if old.applied_offset <= topic.applied_offset:
            now = replace(old, pair=without_scores(dump_pair(monitor, engine.waiting)))
            assert encode_pair(without_ratio_stretch(old)) == encode_pair(without_ratio_stretch(now))


def without_new_fields(lead: LeadState) -> LeadState:
    """Return a lead's state without what version 4 did not have; the next status record says it."""
    return replace(lead, progress=replace(lead.progress, status_ns=0, jump=None))


def without_ratio_stretch(checkpoint: PairCheckpoint) -> PairCheckpoint:
    """Return a checkpoint without what depends on the rule that has changed since version 2."""
    kind, pair = Kind.RATIO_STRETCH.value, checkpoint.pair
    return replace(
        checkpoint,
        pair=replace(
            pair,
            sequence=0,
            rule_versions={name: each for name, each in pair.rule_versions.items() if name != kind},
            divergences={
                # When a divergence ended is not known of those that ended before.
                key: replace(each, ended_at_ns=0)
                for key, each in pair.divergences.items()
                if not key.startswith(kind)
            },
        ),
    )


def without_scores(state: PairState) -> PairState:
    """Return a pair's state before the next session or the next look computes what followed."""
    openings = tuple(replace(each, scores=()) for each in state.ledger.openings)
    return replace(state, ledger=replace(state.ledger, openings=openings))


def test_outcomes_that_started_at_an_untradable_close_are_forgotten_and_computed_again() -> None:
    """A checkpoint of version 3 with an opening that the windows reach, and one with a score of its own."""
    name, value = next(
        (key, value)
        for topic in old_topics()
        for key, value in topic.records.items()
        if not is_lead_key(key) and b'"scores":[[' in value
    )
    old = json.loads(value)

    upgraded_pair = decode_pair(value).pair

    assert sum(len(each["scores"]) for each in old["pair"]["ledger"]["openings"]) > 0
    openings = upgraded_pair.ledger.openings
    assert [each.session for each in openings] == [
        each["session"] for each in old["pair"]["ledger"]["openings"]
    ]
    assert {each.scores for each in openings} == {()}, name


def test_the_old_topics_show_every_kind_of_state() -> None:
    assert {each for topic in old_topics() for each in topic.shows} == {
        *("early_warning_open", "ratio_stretch_open_critical", "opposite_moves_open"),
        *("correlation_break_open", "hedge_lost_open", "hold_pending", "cooldown", "flapping"),
        *("feed_stale", "bad_ticks", "missing_bar", "no_close_sample", "bar_waiting", "suspect_price"),
        *("pairs_ahead_of_lead", "pair_retired"),
    }


@pytest.mark.parametrize("key", sorted(EARLY.records))
def test_an_upgraded_checkpoint_has_its_golden_bytes(key: str) -> None:
    name = "lead" if is_lead_key(key) else key

    golden = (GOLDEN / "state_v6" / f"{name}.json").read_bytes()
    assert upgraded(key, EARLY.records[key]) == golden
    for version in (3, 4, 5):
        assert upgraded(key, (GOLDEN / f"state_v{version}" / f"{name}.json").read_bytes()) == golden


@each_topic
def test_what_was_upgraded_is_written_and_read_as_this_version(topic: OldTopic) -> None:
    for key, value in topic.records.items():
        written = upgraded(key, value)
        assert written.startswith(b'{"schema":"state","v":6,')
        assert upgraded(key, written) == written


@each_topic
def test_the_offset_is_found_in_every_version(topic: OldTopic) -> None:
    for key, value in topic.records.items():
        offset = json.loads(value)["applied_offset"]
        assert applied_offset_of(value) == applied_offset_of(upgraded(key, value)) == offset


@pytest.mark.parametrize("damage", [b'"v":1,', b'"v":7,', b'"v":true,', b'"v":"2",'])
def test_any_other_version_is_no_checkpoint(damage: bytes) -> None:
    for key, value in EARLY.records.items():
        other = value.replace(b'"v":2,', damage)
        assert applied_offset_of(other) == -1
        with pytest.raises(DecodeError):
            upgraded(key, other)


@pytest.mark.parametrize("version", [b'"v":2,', b'"v":3,', b'"v":4,', b'"v":5,'])
@pytest.mark.parametrize(
    "damaged",
    [
        b'{"schema":"state","v":2,"applied_offset":41,',
        b'{"schema":"state","v":2,"applied_offset":41,"x":1}',
        b'{"schema":"state","v":2,"applied_offset":41,"is_left":false,"pair":7,"lead":7}',
        b'{"schema":"state","v":2,"applied_offset":41,"is_left":false,"pair":{"lives":[]},"lead":{"tapes":[1]}}',
    ],
)
def test_a_damaged_checkpoint_of_an_older_version_is_refused(damaged: bytes, version: bytes) -> None:
    damaged = damaged.replace(b'"v":2,', version)
    with pytest.raises(DecodeError):
        decode_pair(damaged)
    with pytest.raises(DecodeError):
        decode_lead(damaged)
