"""A worker goes on from checkpoints of versions 2 and 3 as one that was never upgraded."""

import json
from dataclasses import replace

import pytest

from services.signals.checkpoint.codec import (
    applied_offset_of,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
    is_lead_key,
    key_of_lead,
)
from services.signals.checkpoint.plan import RestorePlan, plan_restore
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.pairs.pair_state import PairState, dump_pair
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.errors import DecodeError
from tests.contract.examples import GOLDEN
from tests.golden.engine import make_engine
from tests.support.builders_market import LEAD
from tests.support.old_topic import PAIRS, OldTopic, old_topics, sha256_of

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


@each_topic
def test_a_worker_goes_on_with_the_same_events_although_the_log_before_has_expired(topic: OldTopic) -> None:
    plan = plan_of(topic)
    assert plan.applied == topic.applied_offset, "the log before the checkpoint is not needed"
    restored = RestoredEngine(
        make_engine(PAIRS), plan.lead, plan.pairs, frozen=plan.frozen, is_from_beginning=False
    )
    events: list[bytes] = []
    for offset in range(topic.applied_offset + 1, topic.last_offset + 1):
        restored.thaw_before(offset)
        made = restored.engine.apply(topic.log()[offset]).events
        events += [DIVERGENCES.encode(event) for event in made]

    assert [json.loads(value)["event_id"] for value in events] == list(topic.event_ids)
    assert sha256_of(events) == topic.events_sha256, "the same events have the same bytes"
    shown = [
        take_snapshot(monitor, restored.engine.progress.watermark_ns) for monitor in restored.engine.monitors
    ]
    assert sha256_of([SIGNALS.encode(each) for each in shown]) == topic.snapshots_sha256


@pytest.mark.parametrize(
    "topic", [each for each in old_topics() if each.applied_offset < 4_000], ids=lambda topic: topic.name
)
def test_an_upgraded_checkpoint_is_the_one_that_this_version_would_have_written(topic: OldTopic) -> None:
    engine = make_engine(PAIRS)
    for record in topic.log()[: topic.applied_offset + 1]:
        engine.apply(record)

    plan = plan_of(topic)
    assert plan.lead == dump_lead(engine)
    for monitor in engine.monitors:
        old = decode_pair(topic.records[monitor.pair.name])
        if old.applied_offset <= topic.applied_offset:
            now = replace(old, pair=without_scores(dump_pair(monitor, engine.waiting)))
            assert encode_pair(old) == encode_pair(now)


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

    golden = (GOLDEN / "state_v4" / f"{name}.json").read_bytes()
    assert upgraded(key, EARLY.records[key]) == golden
    assert upgraded(key, (GOLDEN / "state_v3" / f"{name}.json").read_bytes()) == golden


@each_topic
def test_what_was_upgraded_is_written_and_read_as_this_version(topic: OldTopic) -> None:
    for key, value in topic.records.items():
        written = upgraded(key, value)
        assert written.startswith(b'{"schema":"state","v":4,')
        assert upgraded(key, written) == written


@each_topic
def test_the_offset_is_found_in_every_version(topic: OldTopic) -> None:
    for key, value in topic.records.items():
        offset = json.loads(value)["applied_offset"]
        assert applied_offset_of(value) == applied_offset_of(upgraded(key, value)) == offset


@pytest.mark.parametrize("damage", [b'"v":1,', b'"v":5,', b'"v":true,', b'"v":"2",'])
def test_any_other_version_is_no_checkpoint(damage: bytes) -> None:
    for key, value in EARLY.records.items():
        other = value.replace(b'"v":2,', damage)
        assert applied_offset_of(other) == -1
        with pytest.raises(DecodeError):
            upgraded(key, other)


@pytest.mark.parametrize("version", [b'"v":2,', b'"v":3,'])
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
