"""Every row of the gate's table."""

import pytest

from services.signals.stream.positions import Positions, Verdict


@pytest.mark.parametrize(
    ("partition", "generation", "offset", "verdict", "is_applied"),
    [
        (1, 3, 10, Verdict.FOREIGN, False),
        (0, 2, 10, Verdict.FOREIGN, False),
        (0, 3, 9, Verdict.BEHIND, False),
        (0, 3, 10, Verdict.NEXT, True),
        (0, 3, 11, Verdict.GAP, True),
    ],
)
def test_gate(partition: int, generation: int, offset: int, verdict: Verdict, is_applied: bool) -> None:
    positions = Positions()
    positions.open(3, {0: 10})
    judged = positions.judge(partition, generation=generation, offset=offset)
    assert (judged, judged.is_applied) == (verdict, is_applied)


def test_opening_again_forgets_what_was_owned_before() -> None:
    positions = Positions()
    positions.open(1, {0: 5, 1: 6})
    positions.open(2, {1: 2})
    assert positions.next_offsets() == {1: 2}


def test_closed_partition_is_foreign_and_stays_closed_when_its_last_record_ends() -> None:
    positions = Positions()
    positions.open(1, {0: 5, 1: 6})
    positions.close([0, 7])
    positions.advance(0, 5)
    assert positions.judge(0, generation=1, offset=6) is Verdict.FOREIGN
    assert positions.next_offsets() == {1: 6}


def test_gap_is_followed_from_where_it_ended() -> None:
    positions = Positions()
    positions.open(1, {0: 5})
    positions.advance(0, 8)
    assert positions.judge(0, generation=1, offset=8) is Verdict.BEHIND
    assert positions.judge(0, generation=1, offset=9) is Verdict.NEXT
