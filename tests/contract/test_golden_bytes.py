"""Bytes that were once written are read for ever, and the same value writes the same bytes."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from shared.contracts.records import DELIVERIES, DIVERGENCES, SIGNALS
from shared.contracts.schemas import json_schemas
from shared.domain.snapshots import OutcomeStart
from tests.contract.examples import EXAMPLES, GOLDEN, Example

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)


def as_plain(value: object) -> object:
    """Return a value that compares: arrays as lists, dataclasses as dicts with their type's name."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, tuple):
        return [as_plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        fields: dict[str, Any] = {
            field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return {type(value).__name__: fields}
    return value


@each_example
def test_value_writes_its_golden_bytes(example: Example) -> None:
    assert example.encode(example.value) == example.path.read_bytes()


@each_example
def test_golden_bytes_read_as_the_value(example: Example) -> None:
    assert as_plain(example.decode(example.path.read_bytes())) == as_plain(example.value)


@each_example
def test_unknown_fields_are_ignored_at_every_depth(example: Example) -> None:
    def widen(value: object) -> object:
        if isinstance(value, dict):
            # A mapping by name has no fields: what is added to it is data.
            extra = (
                {}
                if set(value) & {"z_90", "warning", "corr_252", "compare", "last"} or not value
                else {"later": [1]}
            )
            return {key: widen(each) for key, each in value.items()} | extra
        if isinstance(value, list):
            return [widen(each) for each in value]
        return value

    wider = json.dumps(widen(json.loads(example.path.read_bytes()))).encode()

    assert b'"later"' in wider
    assert as_plain(example.decode(wider)) == as_plain(example.value)


def test_fields_that_came_later_may_be_missing() -> None:
    """A topic keeps what an older writer left, and a reader of it must not stop there."""
    event = json.loads((GOLDEN / "divergences.v1.json").read_bytes())
    snapshot = json.loads((GOLDEN / "signals.v1.json").read_bytes())
    event_before_chance = {**event, "significance": dict(event["significance"])}
    for name in ("n_eff", "interval", "null", "period", "observed"):
        del event_before_chance["significance"][name]
    for name in ("significance", "is_flapping", "probability"):
        del event[name]
    for name in ("ratio_tls", "ratio_kalman"):
        del event["hedge"][name]
    snapshot_before_start = json.loads((GOLDEN / "signals.v1.json").read_bytes())
    for name in ("start", "episodes", "hit_rate_adjusted", "comparisons"):
        del snapshot_before_start["outcomes"][0][name]
    snapshot_before_authority = json.loads((GOLDEN / "signals.v1.json").read_bytes())
    for leg in snapshot_before_authority["legs"]:
        for name in ("source_since", "source_reason", "previous_source", "feed_state"):
            del leg[name]
    del snapshot_before_authority["faults"][0]["details"]
    for name in ("hedge", "outcomes", "faults", "triggers"):
        del snapshot[name]
    for name in ("is_inhibited", "is_flapping"):
        del snapshot["open"][0][name]

    delivery = json.loads((GOLDEN / "deliveries.v1.json").read_bytes())
    for name in ("endpoint_sequence", "pair", "divergence_id"):
        del delivery[name]

    old_event = DIVERGENCES.decode(json.dumps(event).encode())
    old_snapshot = SIGNALS.decode(json.dumps(snapshot).encode())

    assert (old_event.significance, old_event.is_flapping, old_event.probability) == (None, False, None)
    before_chance = DIVERGENCES.decode(json.dumps(event_before_chance).encode()).significance
    assert before_chance is not None
    assert (before_chance.false_alarms_per_year, before_chance.exceeds_chance) == (0.41, None)
    assert old_event.hedge.ratio_kalman.value is None
    assert (old_snapshot.hedge, old_snapshot.outcomes, old_snapshot.faults) == (None, (), ())
    assert old_snapshot.triggers == ()
    before_authority = SIGNALS.decode(json.dumps(snapshot_before_authority).encode())
    lead = before_authority.legs[0]
    assert (lead.source_since, lead.source_reason, lead.previous_source) == (None, None, None)
    assert before_authority.faults[0].details == ()
    (old_outcome,) = SIGNALS.decode(json.dumps(snapshot_before_start).encode()).outcomes
    assert (
        old_outcome.start,
        old_outcome.episodes,
        old_outcome.hit_rate_adjusted,
        old_outcome.comparisons,
    ) == (
        *(OutcomeStart.LAST_CLOSE, None, None),
        None,
    )
    assert old_snapshot.open[0].is_inhibited is False
    old_delivery = DELIVERIES.decode(json.dumps(delivery).encode())
    assert (old_delivery.endpoint_sequence, old_delivery.pair, old_delivery.divergence_id) == (0, "", "")


@each_example
def test_schema_and_version_come_first(example: Example) -> None:
    topic, version = example.topic.split(".v")

    assert example.path.read_bytes().startswith(f'{{"schema":"{topic}","v":{version},'.encode())


def test_examples_set_every_field_that_has_a_default() -> None:
    """Otherwise its bytes are nowhere frozen."""
    unset: dict[str, bool] = {}

    def look(value: object) -> None:
        if isinstance(value, tuple):
            for each in value:
                look(each)
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                held = getattr(value, field.name)
                if field.default is not dataclasses.MISSING:
                    name = f"{type(value).__name__}.{field.name}"
                    unset[name] = unset.get(name, True) and held == field.default
                look(held)

    for example in EXAMPLES:
        look(example.value)

    assert len(unset) > 10
    assert [name for name, is_unset in unset.items() if is_unset] == []


def test_every_topic_has_golden_bytes_and_no_file_is_left_over() -> None:
    assert {example.topic for example in EXAMPLES} == set(json_schemas())
    # The checkpoints of each version have folders of their own, with test_state_upgrade.py.
    of_checkpoints = {"state_v2", "state_v3", "state_v4", "state_v5", "state_v6"}
    assert {path.name for path in GOLDEN.iterdir()} == {
        *(example.path.name for example in EXAMPLES),
        *of_checkpoints,
    }
