"""Which trades are missing, what is asked for next, and what is given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.missing_trades import (
    MAX_GAPS,
    MAX_MISSING,
    MAX_SPAN,
    MAX_TRIES,
    ClosedGap,
    MissingTrades,
)


def _gap(first: int, last: int | None = None) -> Gap:
    """Return the gap of the ids from the first to the last."""
    return Gap(after_id=first - 1, before_id=(last or first) + 1, since_ns=first * 10)


def test_nothing_is_asked_for_when_nothing_is_missing() -> None:
    missing = MissingTrades()
    assert (missing.next_request(), missing.count, missing.since_ns, missing.tries) == (None, 0, None, 0)
    assert missing.answered() == []
    assert missing.found([1, 2]) == ([], [])


def test_one_request_covers_every_gap_from_the_oldest_on() -> None:
    missing = MissingTrades()
    for number in range(6, 600, 6):
        assert missing.add(_gap(number)) == []
    assert missing.next_request() == Gap(after_id=5, before_id=595, since_ns=60)
    assert missing.since_ns == 60
    new, closed = missing.found(list(range(1, 700)))
    assert new == list(range(6, 600, 6))
    assert closed == [ClosedGap(gap=_gap(number), given_up=0) for number in range(6, 600, 6)]
    assert missing.next_request() is None


def test_request_spans_no_more_than_the_bound_and_begins_with_the_oldest() -> None:
    missing = MissingTrades()
    missing.add(_gap(MAX_SPAN + 10))
    missing.add(_gap(5))
    missing.add(_gap(MAX_SPAN + 4))
    assert missing.next_request() == Gap(after_id=4, before_id=MAX_SPAN + 5, since_ns=50)


def test_part_of_a_gap_that_comes_late_is_not_asked_for_again() -> None:
    missing = MissingTrades()
    missing.add(_gap(10, 14))
    assert missing.found([10, 11, 13]) == ([10, 11, 13], [])
    assert missing.next_request() == Gap(after_id=11, before_id=15, since_ns=100)
    assert missing.found([12, 14]) == ([12, 14], [ClosedGap(gap=_gap(10, 14), given_up=0)])


def test_gap_is_given_up_after_so_many_requests_and_counts_what_is_missing() -> None:
    missing = MissingTrades()
    missing.add(_gap(10, 14))
    closed: list[ClosedGap] = []
    tries = []
    while (request := missing.next_request()) is not None:
        assert request.before_id == 15
        missing.found([10])
        closed += missing.answered()
        tries.append(missing.tries)
    assert tries == [*range(1, MAX_TRIES), 0]
    assert closed == [ClosedGap(gap=_gap(10, 14), given_up=4)]
    assert missing.count == 0


def test_gap_that_was_noticed_after_the_request_was_made_has_not_been_tried() -> None:
    missing = MissingTrades(max_tries=1)
    missing.add(_gap(10))
    missing.next_request()
    missing.add(_gap(20))
    assert missing.answered() == [ClosedGap(gap=_gap(10), given_up=1)]
    assert missing.next_request() == Gap(after_id=19, before_id=21, since_ns=200)


def test_gap_outside_the_span_has_not_been_tried() -> None:
    missing = MissingTrades(max_tries=1)
    missing.add(_gap(10))
    missing.add(_gap(10 + MAX_SPAN))
    missing.next_request()
    assert missing.answered() == [ClosedGap(gap=_gap(10), given_up=1)]
    assert missing.count == 1


def test_of_a_gap_that_is_too_long_the_oldest_ids_are_asked_for() -> None:
    missing = MissingTrades()
    assert missing.add(_gap(1, MAX_MISSING + 500)) == []
    assert missing.count == MAX_MISSING
    assert missing.next_request() == Gap(after_id=0, before_id=MAX_MISSING + 1, since_ns=10)
    _, closed = missing.found(list(range(1, MAX_MISSING + 501)))
    assert closed == [ClosedGap(gap=_gap(1, MAX_MISSING + 500), given_up=500)]


def test_oldest_gaps_are_given_up_when_too_much_is_missing() -> None:
    missing = MissingTrades()
    missing.add(_gap(1, 100))
    missing.add(_gap(200, 299))
    closed = missing.add(_gap(1_000, 1_000 + MAX_MISSING - 151))
    assert closed == [ClosedGap(gap=_gap(1, 100), given_up=100)]
    assert missing.count == MAX_MISSING - 50


def test_oldest_gaps_are_given_up_when_they_are_too_many() -> None:
    missing = MissingTrades()
    closed = [each for number in range(MAX_GAPS + 3) for each in missing.add(_gap(1 + 2 * number))]
    assert closed == [ClosedGap(gap=_gap(1 + 2 * number), given_up=1) for number in range(3)]
    assert missing.count == MAX_GAPS


@given(
    st.sets(st.integers(min_value=1, max_value=200), min_size=1),
    st.lists(st.sets(st.integers(min_value=1, max_value=200)), max_size=20),
)
def test_every_missing_trade_is_returned_once_or_given_up(missed: set[int], answers: list[set[int]]) -> None:
    missing = MissingTrades()
    for number in sorted(missed):
        missing.add(_gap(number))
    returned: list[int] = []
    given_up = 0
    for answer in [*answers, *[set[int]()] * MAX_TRIES]:
        missing.next_request()
        found, closed = missing.found(sorted(answer))
        returned += found
        given_up += sum(each.given_up for each in [*closed, *missing.answered()])
    assert missing.next_request() is None
    assert len(returned) == len(set(returned))
    assert set(returned) <= missed
    assert len(returned) + given_up == len(missed)


@pytest.mark.parametrize("tries", [1, 3])
def test_number_of_tries_can_be_chosen(tries: int) -> None:
    missing = MissingTrades(max_tries=tries)
    missing.add(_gap(10))
    for _ in range(tries):
        assert missing.next_request() is not None
        missing.answered()
    assert missing.next_request() is None
