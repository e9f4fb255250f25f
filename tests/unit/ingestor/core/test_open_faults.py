"""What is told of a fault that several feeds report, and when it is told again."""

from dataclasses import replace

from services.ingestor.core.open_faults import AGAIN_NS, OpenFaults
from shared.domain.ticks import FeedFault, FeedFaultKind

_GOLD, _IWM = "PAXG/USD.KRAKEN", "IWM.ARCX"
_BEGINS = FeedFault(
    instrument=_IWM, feed="alpaca", fault=FeedFaultKind.FEEDS_DISAGREE, is_open=True, at_ns=5, detail="quotes"
)
_ENDS = replace(_BEGINS, is_open=False, at_ns=9, detail="")
_OF_BARS = replace(_BEGINS, feed="yahoo", at_ns=6, detail="bars")


def test_fault_of_one_feed_is_told_as_it_is() -> None:
    faults = OpenFaults()
    assert faults.take(_BEGINS) == _BEGINS
    assert faults.take(_ENDS) == _ENDS
    assert faults.again(_IWM, 10) == ()


def test_fault_of_two_feeds_ends_with_the_last_of_them() -> None:
    faults = OpenFaults()
    faults.take(_BEGINS)
    assert faults.take(_OF_BARS) == _OF_BARS
    assert faults.take(replace(_OF_BARS, is_open=False, at_ns=8)) == replace(_BEGINS, at_ns=8)
    assert faults.take(_ENDS) == _ENDS


def test_end_of_what_an_earlier_process_began_is_told() -> None:
    faults = OpenFaults()
    assert faults.take(_ENDS) == _ENDS
    faults.take(_BEGINS)
    # It never said so, and the other still does.
    assert faults.take(replace(_OF_BARS, is_open=False, at_ns=8)) == replace(_BEGINS, at_ns=8)


def test_kinds_and_instruments_do_not_mix() -> None:
    faults = OpenFaults()
    faults.take(_BEGINS)
    late = replace(_BEGINS, fault=FeedFaultKind.LATE_OPEN)
    gold = replace(_BEGINS, instrument=_GOLD)
    assert faults.take(late) == late
    assert faults.take(gold) == gold
    faults.take(_ENDS)
    assert faults.again(_IWM, 20) == (replace(late, at_ns=20),)
    assert faults.again(_GOLD, 20) == (replace(gold, at_ns=20),)


def test_open_fault_is_told_again_after_hours_and_not_before() -> None:
    faults = OpenFaults()
    faults.take(_BEGINS)
    assert faults.due(_IWM, 5 + AGAIN_NS - 1) == ()
    assert faults.due(_GOLD, 5 + AGAIN_NS) == ()
    assert faults.due(_IWM, 5 + AGAIN_NS) == (replace(_BEGINS, at_ns=5 + AGAIN_NS),)
    assert faults.due(_IWM, 5 + AGAIN_NS + 1) == ()
    assert faults.due(_IWM, 5 + 2 * AGAIN_NS) == (replace(_BEGINS, at_ns=5 + 2 * AGAIN_NS),)


def test_nothing_is_open_once_another_process_publishes() -> None:
    faults = OpenFaults()
    faults.take(_BEGINS)
    faults.forget()
    assert faults.again(_IWM, 10) == ()
    assert faults.due(_IWM, 10 * AGAIN_NS) == ()
