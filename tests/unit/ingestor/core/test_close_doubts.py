"""Which closes are held, and what releases them."""

import csv
from dataclasses import replace

import pytest

from services.ingestor.core.close_doubts import (
    LONGEST_NS,
    UNCHANGED_NS,
    Doubt,
    HeldClose,
    OtherEvidence,
    disagreements,
    held_closes,
    move_limit,
)
from shared.domain.bars import Bar, BarStatus
from tests.support.data import shared_data
from tests.unit.ingestor.ticks import bar

_A, _B, _C, _D = "2025-11-24", "2025-11-25", "2025-11-26", "2025-11-28"
_NONE = OtherEvidence(closes={}, ranges={})


def _held(
    *bars: Bar,
    known: tuple[Bar, ...] = (),
    held: dict[str, HeldClose] | None = None,
    evidence: OtherEvidence = _NONE,
    limit: float = 0.15,
    now_ns: int = 0,
) -> dict[str, Doubt]:
    found = held_closes(
        bars,
        known={each.session: each for each in known},
        held=held or {},
        evidence=evidence,
        limit=limit,
        now_ns=now_ns,
    )
    return {session: each.doubt for session, each in found.items()}


def _others(**closes: float) -> OtherEvidence:
    return OtherEvidence(closes={f"2025-11-{day[1:]}": close for day, close in closes.items()}, ranges={})


def _since(session: str, close: float, doubt: Doubt = Doubt.UNEXPLAINED) -> dict[str, HeldClose]:
    return {session: HeldClose(session=session, close=close, doubt=doubt, since_ns=0, detail="")}


def test_close_that_halves_without_a_split_is_held() -> None:
    found = held_closes(
        [bar(_B, 206.19), bar(_C, 103.0)],
        known={_B: bar(_B, 206.19)},
        held={},
        evidence=_NONE,
        limit=0.15,
        now_ns=7,
    )
    assert found[_C] == HeldClose(
        session=_C,
        close=103.0,
        doubt=Doubt.UNEXPLAINED,
        since_ns=7,
        detail="close 103 on 2025-11-26 after 206.19 on 2025-11-25: -50.0%, "
        "and no split, tick or other source explains it",
    )


def test_applied_split_is_no_move() -> None:
    assert _held(bar(_B, 206.0, adj_close=103.0), bar(_C, 103.0)) == {}


@pytest.mark.parametrize("close", [86.1, 116.0])
def test_market_move_within_the_limit_is_news(close: float) -> None:
    assert _held(bar(_B, 100.0), bar(_C, close)) == {}


def test_first_close_of_all_has_nothing_to_be_compared_with() -> None:
    assert _held(bar(_C, 103.0)) == {}


def test_provisional_and_known_closes_are_not_held() -> None:
    assert _held(bar(_B, 206.0), bar(_C, 103.0, status=BarStatus.PROVISIONAL)) == {}
    assert _held(bar(_B, 206.0), bar(_C, 103.0), known=(bar(_C, 103.0),)) == {}


def test_correction_to_an_unexplained_close_is_held() -> None:
    assert _held(bar(_B, 206.0), bar(_C, 103.0), known=(bar(_C, 205.0),)) == {_C: Doubt.UNEXPLAINED}


def test_ticks_of_the_session_explain_its_close() -> None:
    traded = OtherEvidence(closes={}, ranges={_C: (102.9, 180.0)})
    elsewhere = OtherEvidence(closes={}, ranges={_C: (150.0, 210.0)})
    assert _held(bar(_B, 206.0), bar(_C, 103.0), evidence=traded) == {}
    assert _held(bar(_B, 206.0), bar(_C, 103.0), evidence=elsewhere) == {_C: Doubt.UNEXPLAINED}


def test_next_close_near_it_confirms_a_jump_and_one_at_the_old_level_does_not() -> None:
    assert _held(bar(_B, 206.0), bar(_C, 103.0), bar(_D, 104.0)) == {}
    assert _held(bar(_B, 206.0), bar(_C, 20.6), bar(_D, 205.0)) == {_C: Doubt.UNEXPLAINED}


def test_jump_that_stays_overnight_is_believed_unless_it_looks_like_a_split() -> None:
    crash, split = bar(_C, 160.0), bar(_C, 103.0)
    for age, is_crash_held in ((UNCHANGED_NS - 1, True), (UNCHANGED_NS, False)):
        held = _held(bar(_B, 206.0), crash, held=_since(_C, 160.0), now_ns=age)
        assert bool(held) is is_crash_held
        assert _held(bar(_B, 206.0), split, held=_since(_C, 103.0), now_ns=age)
    assert _held(bar(_B, 206.0), split, held=_since(_C, 103.0), now_ns=LONGEST_NS - 1)
    assert not _held(bar(_B, 206.0), split, held=_since(_C, 103.0), now_ns=LONGEST_NS)


def test_another_wrong_close_is_held_anew() -> None:
    found = held_closes(
        [bar(_B, 206.0), bar(_C, 161.0)],
        known={},
        held=_since(_C, 160.0),
        evidence=_NONE,
        limit=0.15,
        now_ns=UNCHANGED_NS,
    )
    assert found[_C].since_ns == UNCHANGED_NS


def test_other_source_that_has_the_close_releases_it() -> None:
    assert _held(bar(_B, 206.0), bar(_C, 103.0), evidence=_others(d26=103.005)) == {}


def test_other_source_that_has_another_close_holds_it_until_the_morning() -> None:
    others = _others(d26=207.0)
    assert _held(bar(_B, 206.0), bar(_C, 206.5), evidence=others) == {_C: Doubt.OTHER_SOURCE}
    held = _since(_C, 206.5, Doubt.OTHER_SOURCE)
    assert _held(bar(_B, 206.0), bar(_C, 206.5), evidence=others, held=held, now_ns=UNCHANGED_NS) == {}


def test_cent_is_no_disagreement_and_two_basis_points_are() -> None:
    assert disagreements([bar(_B, 200.0), bar(_C, 200.0), bar(_D, 200.0)], {_B: 200.01, _C: 200.04}) == {
        _C: pytest.approx(0.0002)
    }


def test_limit_grows_with_what_is_usual() -> None:
    closes = [100.0 * 1.05 ** (number % 2) for number in range(80)]
    wild = [bar(f"s{number:03d}", close) for number, close in enumerate(closes)]
    assert move_limit(wild) == pytest.approx(10 * 1.4826 * 0.04879, rel=1e-3)
    assert move_limit(wild[:1]) == move_limit([]) == 0.15


@pytest.mark.parametrize(
    ("name", "column", "adjusted"),
    [
        ("iwm_daily_lean_raw_20000526_20210331.csv", "close", "adj_close"),
        ("pair_iwm_daily_20121114_20210331.csv", "close", "adj_close"),
        ("pair_gold_daily_20121114_20210331.csv", "close", "close"),
        ("xauusd_daily_ejtrader_20121114_20220304.csv", "close", "close"),
        ("xauusd_daily_quotes_oanda_lean_20060320_20190225.csv", "bid_close", "bid_close"),
    ],
)
def test_no_close_of_twenty_years_is_held(name: str, column: str, adjusted: str) -> None:
    with shared_data(name).open() as file:
        rows = [(next(iter(row.values())), row[column], row[adjusted]) for row in csv.DictReader(file)]
    bars = [
        replace(bar(session, float(close)), adj_close=float(adj_close)) for session, close, adj_close in rows
    ]
    for index in range(1, len(bars)):
        settled = bars[max(0, index - 61) : index]
        assert _held(*bars[index - 1 : index + 1], known=(bars[index - 1],), limit=move_limit(settled)) == {}
