"""Every row of the table of starts."""

import pytest

from services.signals.stream.start_offsets import CheckpointAheadOfLog, Correction, starting_offsets


@pytest.mark.parametrize(
    ("wanted", "start", "corrections"),
    [
        (None, 100, ()),
        (100, 100, ()),
        (150, 150, ()),
        (200, 200, ()),
        (99, 100, (Correction(partition=2, wanted=99, actual=100),)),
        (0, 100, (Correction(partition=2, wanted=0, actual=100),)),
    ],
)
def test_start(wanted: int | None, start: int, corrections: tuple[Correction, ...]) -> None:
    assert starting_offsets({2: wanted}, earliest={2: 100}, end={2: 200}) == ({2: start}, corrections)


def test_checkpoint_above_the_end_is_refused_with_both_offsets() -> None:
    with pytest.raises(CheckpointAheadOfLog, match=r"partition 2 must not be above .* 200, was 201"):
        starting_offsets({2: 201}, earliest={2: 100}, end={2: 200})


def test_no_partitions_have_no_starts() -> None:
    assert starting_offsets({}, earliest={}, end={}) == ({}, ())
