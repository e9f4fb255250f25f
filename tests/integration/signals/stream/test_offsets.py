"""Every row of the table, and batches of which only a part may be applied."""

import pytest

from services.signals.stream.offsets import Admission, NextOffsets
from tests.support.log_records import LogRecord, log_records


@pytest.mark.parametrize(
    ("partition", "generation", "offset", "answer", "is_applied"),
    [
        (1, 3, 10, Admission.FOREIGN, False),
        (0, 2, 10, Admission.FOREIGN, False),
        (0, 3, 9, Admission.BEHIND, False),
        (0, 3, 10, Admission.NEXT, True),
        (0, 3, 11, Admission.GAP, True),
    ],
)
def test_check(partition: int, generation: int, offset: int, answer: Admission, is_applied: bool) -> None:
    offsets = NextOffsets()
    offsets.open(3, {0: 10})
    checked = offsets.check(partition, generation=generation, offset=offset)
    assert (checked, checked.is_applied) == (answer, is_applied)


def test_opening_again_forgets_what_was_owned_before() -> None:
    offsets = NextOffsets()
    offsets.open(1, {0: 5, 1: 6})
    offsets.open(2, {1: 2})
    assert offsets.by_partition() == {1: 2}


def test_closed_partition_is_foreign_and_stays_closed_when_its_last_record_ends() -> None:
    offsets = NextOffsets()
    offsets.open(1, {0: 5, 1: 6})
    offsets.close([0, 7])
    offsets.advance(0, 5)
    assert offsets.check(0, generation=1, offset=6) is Admission.FOREIGN
    assert offsets.by_partition() == {1: 6}


def test_gap_is_followed_from_where_it_ended() -> None:
    offsets = NextOffsets()
    offsets.open(1, {0: 5})
    offsets.advance(0, 8)
    assert offsets.check(0, generation=1, offset=8) is Admission.BEHIND
    assert offsets.check(0, generation=1, offset=9) is Admission.NEXT


@pytest.mark.parametrize(
    ("offsets", "admitted", "gaps"),
    [
        ([10, 11, 12], [10, 11, 12], ()),
        ([8, 9, 10, 11], [10, 11], ()),
        ([8, 9], [], ()),
        ([10, 12, 13, 15], [10, 12, 13, 15], (12, 15)),
        ([11, 12], [11, 12], (11,)),
        ([8, 10, 12], [10, 12], (12,)),
    ],
)
def test_of_a_batch_the_records_from_the_next_offset_on_are_admitted(
    offsets: list[int], admitted: list[int], gaps: tuple[int, ...]
) -> None:
    next_offsets = NextOffsets()
    next_offsets.open(3, {0: 10})
    records = [LogRecord(offset, b"") for offset in offsets]
    found, found_gaps = next_offsets.admit(0, records, generation=3)
    assert ([record.offset for record in found], found_gaps) == (admitted, gaps)


@pytest.mark.parametrize(("partition", "generation"), [(1, 3), (0, 2)])
def test_of_a_batch_of_another_assignment_no_record_is_admitted(partition: int, generation: int) -> None:
    next_offsets = NextOffsets()
    next_offsets.open(3, {0: 10})
    assert next_offsets.admit(partition, log_records([b""] * 3, first=10), generation=generation) == ([], ())
