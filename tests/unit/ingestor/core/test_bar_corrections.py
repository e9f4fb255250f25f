"""Every row of the ledger's table."""

from dataclasses import replace

from services.ingestor.core.bar_corrections import BarHistory
from shared.domain.bars import Bar, BarStatus
from tests.unit.ingestor.ticks import bar

_A, _B, _C = "2025-11-24", "2025-11-25", "2025-11-26"


def _known(*bars: Bar) -> BarHistory:
    return BarHistory(bars or (bar(_A, 100.0), bar(_B, 101.0)))


def test_unknown_final_bar_is_new_and_then_known() -> None:
    ledger = _known()
    comparison = ledger.compare([bar(_C, 102.0)], now_ns=9)
    assert [each.session for each in comparison.new] == [_C]
    again = ledger.compare([bar(_C, 102.0)], now_ns=9)
    assert (again.new, again.unchanged) == ((), 1)


def test_provisional_bar_is_kept_and_its_final_one_is_new_whatever_it_says() -> None:
    ledger = _known()
    live = bar(_C, 102.0, status=BarStatus.PROVISIONAL)
    assert ledger.compare([live], now_ns=9).provisional == (live,)
    assert ledger.compare([live], now_ns=9).provisional == ()
    moved = replace(live, close=103.0)
    assert ledger.compare([moved], now_ns=9).provisional == (moved,)
    assert _C not in {each.session for each in ledger.settled()}
    comparison = ledger.compare([bar(_C, 104.0)], now_ns=9)
    assert [(each.close, each.revision) for each in comparison.new] == [(104.0, 0)]
    assert ledger.settled()[-1].close == 104.0


def test_provisional_bar_never_replaces_a_final_one() -> None:
    ledger = _known()
    comparison = ledger.compare([bar(_B, 99.0, status=BarStatus.PROVISIONAL)], now_ns=9)
    assert (comparison.provisional, comparison.new, comparison.corrected) == ((), (), ())
    assert ledger.settled()[-1].close == 101.0


def test_changed_close_is_a_correction_from_now_on() -> None:
    ledger = _known()
    first = ledger.compare([bar(_A, 100.0), bar(_B, 105.0)], now_ns=9)
    second = ledger.compare([bar(_B, 106.0)], now_ns=11)
    assert [(each.close, each.revision, each.status, each.known_at_ns) for each in first.corrected] == [
        (105.0, 1, BarStatus.CORRECTED, 9)
    ]
    assert [(each.revision, each.known_at_ns) for each in second.corrected] == [(2, 11)]
    assert not first.is_adjusted


def test_rounding_is_no_correction() -> None:
    comparison = _known().compare([bar(_B, 101.0 * (1 + 0.9e-6))], now_ns=9)
    assert comparison.unchanged == 1


def test_restated_volume_is_a_correction_and_a_late_print_is_not() -> None:
    ledger = _known(bar(_A, 100.0, volume=1_000.0))
    assert ledger.compare([bar(_A, 100.0, volume=1_099.0)], now_ns=9).unchanged == 1
    assert len(ledger.compare([bar(_A, 100.0, volume=1_101.0)], now_ns=9).corrected) == 1


def test_dividend_adjusts_older_bars_without_a_revision() -> None:
    ledger = _known()
    comparison = ledger.compare(
        [bar(_A, 100.0, adj_close=99.0), bar(_B, 101.0, adj_close=99.99), bar(_C, 102.0)], now_ns=9
    )
    assert comparison.is_adjusted
    assert comparison.corrected == ()
    assert [each.session for each in comparison.new] == [_C]
    assert [(each.adj_close, each.revision, each.status) for each in ledger.settled()[:2]] == [
        (99.0, 0, BarStatus.FINAL),
        (99.99, 0, BarStatus.FINAL),
    ]


def test_split_is_one_adjustment() -> None:
    comparison = _known().compare([bar(_A, 50.0), bar(_B, 50.5)], now_ns=9)
    assert comparison.is_adjusted
    assert comparison.corrected == ()


def test_two_different_changes_are_two_corrections() -> None:
    comparison = _known().compare([bar(_A, 50.0), bar(_B, 90.0)], now_ns=9)
    assert len(comparison.corrected) == 2
    assert not comparison.is_adjusted


def test_settled_is_sorted_however_it_was_given() -> None:
    assert [each.session for each in _known(bar(_C), bar(_A), bar(_B)).settled()] == [_A, _B, _C]


def test_dividend_adjusts_the_known_bars_that_the_pull_left_out() -> None:
    ledger = _known(bar("2025-11-20", 98.0), bar(_A, 100.0), bar(_B, 101.0), bar(_C, 102.0))
    comparison = ledger.compare(
        [bar("2025-11-20", 98.0, adj_close=97.02), bar(_B, 101.0, adj_close=99.99), bar(_C, 102.0)], now_ns=9
    )
    assert comparison.is_adjusted
    assert [round(each.adj_close, 9) for each in ledger.settled()] == [97.02, 99.0, 99.99, 102.0]


def test_split_rescales_the_closes_that_the_pull_left_out() -> None:
    ledger = _known(bar("2025-11-20", 98.0), bar(_A, 100.0), bar(_B, 101.0), bar(_C, 102.0))
    ledger.compare([bar(_A, 50.0), bar(_B, 50.5), bar(_C, 51.0)], now_ns=9)
    assert [(each.close, each.adj_close) for each in ledger.settled()][:2] == [(49.0, 49.0), (50.0, 50.0)]


def test_bar_that_alone_is_adjusted_leaves_those_beyond_its_neighbours_alone() -> None:
    ledger = _known(bar("2025-11-20", 98.0), bar("2025-11-21", 99.0), bar(_A, 100.0), bar(_B, 101.0))
    ledger.compare([bar("2025-11-21", 99.0), bar(_B, 101.0, adj_close=100.0)], now_ns=9)
    assert [each.adj_close for each in ledger.settled()][:2] == [98.0, 99.0]


def test_pull_that_rescales_is_seen_before_it_is_applied() -> None:
    ledger = _known(bar(_A, 100.0), bar(_B, 101.0))
    assert not ledger.is_rescaled_by([bar(_A, 100.0), bar(_B, 101.0)])
    assert not ledger.is_rescaled_by([bar(_A, 100.0), bar(_B, 105.0)])
    assert ledger.is_rescaled_by([bar(_A, 100.0, adj_close=99.0), bar(_B, 101.0)])
    assert ledger.is_rescaled_by([bar(_A, 50.0), bar(_B, 50.5)])
    assert ledger.common_factor([bar(_A, 50.0), bar(_B, 50.5)]) == 0.5
    assert ledger.common_factor([]) is None
    assert [each.close for each in ledger.settled()] == [100.0, 101.0]


def test_provisional_bars_are_known_but_are_no_evidence_of_a_scale() -> None:
    live = bar(_C, 51.0, status=BarStatus.PROVISIONAL)
    ledger = _known(bar(_B, 101.0), live)
    assert set(ledger.known()) == {_B, _C}
    assert ledger.common_factor([bar(_B, 101.0), bar(_C, 25.5)]) is None


def test_close_that_comes_and_goes_with_each_pull_is_one_revision() -> None:
    ledger = _known()
    told = [
        each.close
        for close in (101.01, 101.0, 101.01, 101.0, 101.01)
        for each in ledger.compare([bar(_B, close)], now_ns=9).corrected
    ]
    assert told == [101.01]


def test_close_that_comes_back_twice_in_a_row_is_a_revision_again() -> None:
    ledger = _known()
    ledger.compare([bar(_B, 105.0)], now_ns=9)
    assert ledger.compare([bar(_B, 101.0)], now_ns=9).corrected == ()
    (again,) = ledger.compare([bar(_B, 101.0)], now_ns=11).corrected
    assert (again.close, again.revision, again.known_at_ns) == (101.0, 2, 11)


def test_volume_that_comes_and_goes_with_each_pull_is_one_revision() -> None:
    ledger = _known(bar(_A, 100.0, volume=1_000.0))
    told = [
        each.volume
        for volume in (2_000.0, 1_000.0, 2_000.0, 1_000.0)
        for each in ledger.compare([bar(_A, 100.0, volume=volume)], now_ns=9).corrected
    ]
    assert told == [2_000.0]
