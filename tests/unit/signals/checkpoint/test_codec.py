"""A checkpoint as bytes."""

import pytest

from services.signals.checkpoint.codec import (
    Checkpoint,
    applied_offset_of,
    decode_checkpoint,
    encode_checkpoint,
)
from services.signals.core.pair_state import dump_pair
from shared.errors import DecodeError
from tests.support.builders_market import LEAD, bar, bar_batch
from tests.support.pair_story import Story


def checkpoint() -> Checkpoint:
    story = Story()
    story.tick("2019-06-03 10:00", 2.5)
    story.commit("2019-06-03", -3.4)
    story.take(bar_batch(bar("2019-06-04", 151.0)))
    state = dump_pair(story.book, story.engine.tape, story.engine.waiting)
    return Checkpoint(applied_offset=41, lead=LEAD, state=state)


def test_checkpoint_reads_back_as_it_was() -> None:
    written = checkpoint()

    assert decode_checkpoint(encode_checkpoint(written)) == written
    assert len(written.state.waiting) == 1
    assert len(written.state.other_bars.session) == 101


def test_offset_is_found_without_the_rest() -> None:
    assert applied_offset_of(encode_checkpoint(checkpoint())) == 41


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"[]", b"{}", b'{"applied_offset":"x"}', b'{"applied_offset":null}']
)
def test_bytes_without_an_offset_are_older_than_everything(value: bytes) -> None:
    """Would have caught: one damaged checkpoint kept every worker from starting."""
    assert applied_offset_of(value) == -1


@pytest.mark.parametrize("value", [b"", b"{}", b'{"schema":"state","v":2}', b'{"schema":"state","v":1}'])
def test_checkpoint_of_another_version_or_damaged_is_undecodable(value: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_checkpoint(value)
