"""Checkpoints as bytes."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    applied_offset_of,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
)
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.legs.stored_bars import StoredBars
from services.signals.core.pairs.pair_state import dump_pair
from shared.errors import DecodeError
from tests.support.builders_market import LEAD, bar, bar_batch, quotes
from tests.support.pair_story import Story


def story() -> Story:
    told = Story()
    told.tick("2019-06-03 10:00", 2.5)
    told.commit("2019-06-03", -3.4)
    told.take(bar_batch(bar("2019-06-04", 151.0)))
    told.take(bar_batch(bar("2019-06-04", 1_300.0, instrument=LEAD)))
    return told


def of_pair(told: Story) -> PairCheckpoint:
    return PairCheckpoint(
        applied_offset=41, is_retired=False, pair=dump_pair(told.monitor, told.engine.waiting)
    )


def of_lead(told: Story) -> LeadCheckpoint:
    return LeadCheckpoint(applied_offset=41, lead=dump_lead(told.engine))


def test_pair_reads_back_as_it_was() -> None:
    written = of_pair(story())

    assert decode_pair(encode_pair(written)) == written
    assert [each.instrument for each in written.pair.waiting] == [story().monitor.pair.other]
    assert len(written.pair.bars.days) == 101


def test_lead_reads_back_as_it_was() -> None:
    written = of_lead(story())

    assert decode_lead(encode_lead(written)) == written
    assert [each.instrument for each in written.lead.waiting] == [LEAD]
    assert len(written.lead.bars.days) == 101


def test_only_legs_that_tick_have_a_last_price_in_the_state_of_the_lead() -> None:
    told = story()
    assert of_lead(told).lead.last_prices.keys() == {LEAD}

    open_ns = told.sessions.open_ns[told.engine.progress.next_close]
    told.take(quotes({open_ns: 151.0}, instrument=told.monitor.pair.other))
    assert of_lead(told).lead.last_prices.keys() == {LEAD, told.monitor.pair.other}


def test_offset_is_found_without_the_rest() -> None:
    assert applied_offset_of(encode_pair(of_pair(story()))) == 41
    assert applied_offset_of(encode_lead(of_lead(story()))) == 41


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"applied_offset":41}',
        b'{"schema":"state","v":2,"applied_offset":null,"is_retired":false}',
        b'{"schema":"state","v":1,"applied_offset":41,"lead":"XAU/USD.TEST"}',
    ],
)
def test_bytes_without_an_offset_are_older_than_everything(value: bytes) -> None:
    """Would have caught: one damaged checkpoint kept every worker from starting."""
    assert applied_offset_of(value) == -1


@pytest.mark.parametrize("value", [b"", b"{}", b'{"schema":"state","v":1}', b'{"schema":"state","v":2}'])
def test_checkpoint_of_another_version_or_damaged_is_undecodable(value: bytes) -> None:
    for decode in (decode_pair, decode_lead):
        with pytest.raises(DecodeError):
            decode(value)


def test_record_of_a_pair_is_none_of_a_lead() -> None:
    with pytest.raises(DecodeError):
        decode_lead(encode_pair(of_pair(story())))


SMALL = StoredBars(
    days=(737_000, 1, 3),
    closes=(150.0, 151.0, 152.0),
    adj_closes=(75.0, 75.5, 76.0),
    origins=(0, 1, 0),
    origin_table=(("yahoo", 0), ("yahoo", 1)),
    recent_known_at_ns=(1, 2, 3),
)


@pytest.mark.parametrize(
    "damage",
    [
        {"days": [737_000, 1]},
        {"days": [737_000, 0, 3]},
        {"days": [0, 1, 3]},
        {"days": [719_162, 1, 3]},
        {"days": [784_690, 8, 1]},
        {"days": [737_000, 1, 9_999_999]},
        {"days": [737_000, 1.5, 3]},
        {"days": [737_000, True, 3]},
        {"closes": [150.0, 151.0]},
        {"closes": [150.0, -1.0, 152.0]},
        {"closes": [150.0, "151", 152.0]},
        {"closes": [150.0, None, 152.0]},
        {"closes": [1e400, 151.0, 152.0]},
        {"adj_closes": [75.0, 0.0, 76.0]},
        {"adj_closes": [75.0]},
        {"origins": [0, 2, 0]},
        {"origins": [0, -1, 0]},
        {"origins": [0]},
        {"origin_table": []},
        {"origin_table": [["yahoo", 0], ["yahoo", -1]]},
        {"origin_table": [["yahoo", 0], [1, "yahoo"]]},
        {"recent_known_at_ns": [1, 2]},
        {"recent_known_at_ns": [1, 2, -3]},
        {"recent_known_at_ns": [1, 2, 9_223_372_036_854_775_808]},
    ],
    ids=str,
)
def test_columns_that_are_no_history_are_refused(damage: dict[str, object]) -> None:
    checkpoint = of_pair(story())
    fields = orjson.loads(encode_pair(replace(checkpoint, pair=replace(checkpoint.pair, bars=SMALL))))
    assert decode_pair(orjson.dumps(fields)).pair.bars == SMALL

    fields["pair"]["bars"] |= damage
    with pytest.raises(DecodeError):
        decode_pair(orjson.dumps(fields))


def test_more_sessions_than_are_kept_are_refused() -> None:
    with pytest.raises(ValueError, match="up to 800"):
        StoredBars(
            days=(1,) * 801,
            closes=(1.0,) * 801,
            origin_table=(("yahoo", 0),),
            recent_known_at_ns=(0,) * 8,
        )


@given(st.lists(st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False), max_size=20))
def test_prices_keep_every_bit(prices: list[float]) -> None:
    checkpoint = of_pair(Story(warm=1))
    bars = StoredBars(
        days=(737_000, *(1,) * (len(prices) - 1)) if prices else (),
        closes=tuple(prices),
        origin_table=(("yahoo", 0),),
        recent_known_at_ns=(0,) * min(8, len(prices)),
    )
    read = decode_pair(encode_pair(replace(checkpoint, pair=replace(checkpoint.pair, bars=bars))))

    assert read.pair.bars.closes == tuple(prices)
