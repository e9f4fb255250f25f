"""Every contract reads what it writes, and anything else only raises what makes a dead letter."""

import dataclasses
import json
import types
from collections.abc import Callable
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shared.contracts.records import BARS, DEADLETTERS, DELIVERIES, DIVERGENCES, MACRO, SIGNALS
from shared.contracts.ticks import MAX_DETAIL, decode_tick_record, encode_tick_record
from shared.domain.bars import LEAST_PRICE, MOST_PRICE, Bar, BarBatch, BarsMode, BarStatus
from shared.domain.deliveries import DeadLetter, DeliveryOutcome
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import INSTANTS_END_NS
from shared.domain.macro import MOST_VALUE, Observation
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from shared.errors import DataError
from tests.contract.examples import EXAMPLES
from tests.contract.test_golden_bytes import as_plain

texts = st.text(max_size=12)
names = st.text(min_size=1, max_size=64)
numbers = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(-(1 << 63), (1 << 63) - 1)
prices = st.floats(min_value=LEAST_PRICE, max_value=MOST_PRICE)
instants = st.integers(0, INSTANTS_END_NS - 1)
dates = st.dates().map(lambda day: day.isoformat())


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Draw any value of a type of the domain, from its annotations."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (str, int, float, bool, type(None)):
        return {str: texts, int: wholes, float: numbers, bool: st.booleans(), type(None): st.none()}[kind]
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(each) for each in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(texts, values_of(arguments[1]), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    return st.builds(kind, **{name: values_of(hint) for name, hint in get_type_hints(kind).items()})


bars = st.builds(
    Bar,
    instrument=names,
    session=texts,
    close=prices,
    adj_close=prices,
    known_at_ns=st.integers(0, (1 << 63) - 1),
    status=st.sampled_from(BarStatus),
    revision=st.integers(0, 9),
    source=texts,
    open=st.none() | prices,
    volume=st.none() | st.floats(0, 1e300),
)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    size = draw(st.integers(1, 20))

    def column(dtype: Any, elements: st.SearchStrategy[Any]) -> Any:
        return draw(hnp.arrays(dtype, size, elements=elements))

    return {
        "instrument": draw(names),
        "feed": draw(names),
        "ts_event_ns": column(np.int64, instants),
        "ts_received_ns": column(np.int64, instants),
        "first": column(np.float64, prices),
        "second": column(np.float64, prices),
        "ids": tuple(draw(st.lists(texts, min_size=size, max_size=size))),
    }


def quote_batch(drawn: dict[str, Any]) -> QuoteBatch:
    low, high = np.minimum(drawn["first"], drawn["second"]), np.maximum(drawn["first"], drawn["second"])
    shared = {name: drawn[name] for name in ("instrument", "feed", "ts_event_ns", "ts_received_ns")}
    return QuoteBatch(**shared, bid=low, ask=high)


def trade_batch(drawn: dict[str, Any]) -> TradeBatch:
    shared = {name: drawn[name] for name in ("instrument", "feed", "ts_event_ns", "ts_received_ns")}
    return TradeBatch(**shared, price=drawn["first"], size=drawn["second"], trade_id=drawn["ids"])


def bar_batch(drawn: tuple[str, BarsMode, list[Bar]]) -> BarBatch:
    instrument, mode, several = drawn
    return BarBatch(
        instrument=instrument,
        mode=mode,
        bars=tuple(dataclasses.replace(bar, instrument=instrument) for bar in several),
    )


tick_records = st.one_of(
    columns().map(quote_batch),
    columns().map(trade_batch),
    st.builds(
        FeedStatus, instrument=names, feed=names, state=st.sampled_from(FeedState), watermark_ns=instants
    ),
    st.builds(
        FeedAuthority,
        instrument=names,
        feed=names,
        since_ns=instants,
        reason=st.sampled_from(AuthorityReason),
        previous=st.none() | names,
    ),
    st.builds(
        FeedFault,
        instrument=names,
        feed=names,
        fault=st.sampled_from(FeedFaultKind),
        is_open=st.booleans(),
        at_ns=instants,
        detail=st.text(max_size=MAX_DETAIL),
    ),
    st.tuples(names, st.sampled_from(BarsMode), st.lists(bars, max_size=3)).map(bar_batch),
)


@given(record=tick_records)
def test_tick_record_is_read_as_it_was_written(record: Any) -> None:
    written = encode_tick_record(record)

    assert as_plain(decode_tick_record(written)) == as_plain(record)
    assert encode_tick_record(decode_tick_record(written)) == written


@given(bar=bars)
def test_bar_is_read_as_it_was_written(bar: Bar) -> None:
    assert BARS.decode(BARS.encode(bar)) == bar


@given(
    observation=st.builds(
        Observation,
        series=names,
        date=dates,
        vintage=dates,
        value=st.none() | st.floats(-MOST_VALUE, MOST_VALUE),
        unit=texts,
        source=texts,
        known_at_ns=st.integers(0, (1 << 63) - 1),
    )
)
def test_observation_is_read_as_it_was_written(observation: Observation) -> None:
    assert MACRO.decode(MACRO.encode(observation)) == observation


@given(event=values_of(DivergenceEvent))
def test_divergence_event_is_read_as_it_was_written(event: DivergenceEvent) -> None:
    assert DIVERGENCES.decode(DIVERGENCES.encode(event)) == event


@given(snapshot=values_of(PairSnapshot))
def test_snapshot_is_read_as_it_was_written(snapshot: PairSnapshot) -> None:
    assert SIGNALS.decode(SIGNALS.encode(snapshot)) == snapshot


@given(outcome=values_of(DeliveryOutcome))
def test_delivery_outcome_is_read_as_it_was_written(outcome: DeliveryOutcome) -> None:
    assert DELIVERIES.decode(DELIVERIES.encode(outcome)) == outcome


@given(letter=values_of(DeadLetter))
def test_dead_letter_is_read_as_it_was_written(letter: DeadLetter) -> None:
    assert DEADLETTERS.decode(DEADLETTERS.encode(letter)) == letter


DECODERS = [
    decode_tick_record,
    *(each.decode for each in (BARS, MACRO, SIGNALS, DIVERGENCES, DELIVERIES, DEADLETTERS)),
]
each_decoder = pytest.mark.parametrize("decode", DECODERS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 80), 1 << 80) | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


@each_decoder
@given(value=st.none() | st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bytes_make_dead_letters(
    decode: Callable[[bytes | None], Any], value: bytes | None
) -> None:
    with pytest.raises(DataError):
        decode(value)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)
@given(data=st.data())
def test_any_field_replaced_by_anything_is_read_or_makes_a_dead_letter(
    example: Any, data: st.DataObject
) -> None:
    value = json.loads(example.path.read_bytes())
    field = data.draw(st.sampled_from(sorted(value)))
    value[field] = data.draw(json_values)
    try:
        read = example.decode(json.dumps(value).encode())
    except DataError:
        return
    # What is read can be written: nothing enters that stops a later hop.
    assert as_plain(example.decode(example.encode(read))) == as_plain(read)
