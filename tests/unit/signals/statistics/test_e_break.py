import numpy as np
import pytest

from services.signals.core.statistics.e_break import (
    LEAST_RETURNS,
    AgreementBand,
    BreakEvidence,
    Floats,
    agreement_share,
    agreements,
    e_break,
    rolling_e_break,
)

BAND = AgreementBand(low=0.42, high=0.52)


def direct(a: list[float], b: list[float], low: float, high: float) -> tuple[float, float]:
    """Compute both directions as they are defined: start by start, bet by bet, with nothing shared."""
    newest = len(a) - 1
    evidence = []
    for is_tightening in (True, False):
        p = high if is_tightening else 1 - low
        of_stakes = []
        for stake in (1 / 8, 1 / 4, 1 / 2):
            total = 0.0
            for start in range(max(60, newest - 119), newest + 1):
                wealth = 1.0
                for t in range(start, newest + 1):
                    before_a, before_b = a[max(0, t - 252) : t], b[max(0, t - 252) : t]
                    product = (a[t] - sum(before_a) / len(before_a)) * (b[t] - sum(before_b) / len(before_b))
                    if product != 0:
                        has_won = (product > 0) is is_tightening
                        wealth *= 1 + stake * (1 - p) / p if has_won else 1 - stake
                total += wealth
            of_stakes.append(total)
        evidence.append(0.46 * sum(of_stakes) / 3)
    return evidence[0], evidence[1]


def market(seed: int, size: int, correlation: float) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    a, own = generator.standard_t(4, size=(2, size)) * 0.01
    return a + 0.001, correlation * a + np.sqrt(1 - correlation**2) * own - 0.0005


@pytest.mark.parametrize("size", [61, 62, 100, 179, 180, 181, 252, 253, 311, 312, 313, 372, 373, 500])
@pytest.mark.parametrize("correlation", [-0.7, 0.0, 0.8])
def test_it_equals_the_direct_computation_start_by_start(size: int, correlation: float) -> None:
    a, b = market(size, size, correlation)

    found = e_break(a, b, BAND)

    assert found is not None
    expected = direct(a.tolist(), b.tolist(), 0.42, 0.52)
    assert (found.tightening, found.loosening) == pytest.approx(expected, rel=1e-9)
    assert found.total == pytest.approx(sum(expected), rel=1e-9)


def test_all_sessions_at_once_equal_one_session_alone() -> None:
    pairs = [market(seed, 420, correlation) for seed, correlation in enumerate((-0.9, -0.3, 0.0, 0.4, 0.95))]
    a, b = (np.stack(each) for each in zip(*pairs, strict=True))
    b[2, 200:230] = 0.0

    rolling = rolling_e_break(a, b, BAND)

    assert np.isnan(rolling.tightening[:, :LEAST_RETURNS]).all()
    for path in range(len(pairs)):
        for at in range(LEAST_RETURNS, 420):
            alone = e_break(a[path, : at + 1], b[path, : at + 1], BAND)
            assert alone is not None
            together = BreakEvidence(
                tightening=rolling.tightening[path, at], loosening=rolling.loosening[path, at]
            )
            assert together.tightening == pytest.approx(alone.tightening, rel=1e-9)
            assert together.loosening == pytest.approx(alone.loosening, rel=1e-9)


def test_one_history_alone_may_be_given_without_a_row_of_its_own() -> None:
    a, b = market(3, 200, 0.2)

    alone, in_rows = rolling_e_break(a, b, BAND), rolling_e_break(a[None], b[None], BAND)

    np.testing.assert_array_equal(alone.tightening, in_rows.tightening[0])


@pytest.mark.parametrize("size", [0, 1, 60])
def test_too_few_returns_have_no_evidence(size: int) -> None:
    a, b = market(1, 200, 0.0)

    assert e_break(a[:size], b[:size], BAND) is None
    assert np.isnan(rolling_e_break(a[:size], b[:size], BAND).loosening).all()


def test_returns_older_than_the_windows_change_nothing() -> None:
    a, b = market(4, 600, 0.3)
    spoilt = a.copy()
    spoilt[: 600 - 372] = 1e6

    assert e_break(spoilt, b, BAND) == e_break(a, b, BAND) == e_break(a[-372:], b[-372:], BAND)


def test_a_leg_that_moves_as_its_mean_makes_no_bet() -> None:
    a, _ = market(5, 300, 0.0)
    # Equal returns, whose mean differs from them in its last digit.
    growing = np.full(300, 0.1)

    found = e_break(a, growing, BAND)

    assert found is not None
    # Each of the 120 bettors still owns 1.
    assert found.tightening == found.loosening == pytest.approx(0.46 * 120, rel=1e-12)
    assert not agreements(a, growing, last=120).any()


@pytest.mark.parametrize(("sign", "direction"), [(1.0, "tightening"), (-1.0, "loosening")])
def test_legs_that_always_agree_are_evidence_of_their_own_direction_only(sign: float, direction: str) -> None:
    a, _ = market(6, 300, 0.0)

    found = e_break(a, sign * a, BAND)

    assert found is not None
    other = "loosening" if direction == "tightening" else "tightening"
    assert getattr(found, direction) > 1e6
    # Who always loses a half, a quarter or an eighth keeps together 1 + 3 + 7.
    assert getattr(found, other) == pytest.approx(0.46 * (1 + 3 + 7) / 3, rel=1e-6)


def test_exchanging_the_legs_changes_nothing() -> None:
    a, b = market(7, 400, 0.3)

    assert e_break(a, b, BAND) == e_break(b, a, BAND)


def test_turning_a_leg_around_exchanges_the_directions() -> None:
    a, b = market(8, 400, 0.3)
    symmetric = AgreementBand(low=0.45, high=0.55)

    found, turned = e_break(a, b, symmetric), e_break(a, -b, symmetric)

    assert found is not None
    assert turned is not None
    assert (turned.tightening, turned.loosening) == pytest.approx(
        (found.loosening, found.tightening), rel=1e-12
    )


def test_the_share_of_agreement_counts_the_sessions_with_a_sign() -> None:
    a, b = market(9, 200, 0.6)
    b[-10:] = b[: 200 - 10].mean()

    agreed = agreements(a, b, last=60)

    assert agreed.size == 60
    assert agreement_share(agreed) == np.count_nonzero(agreed == 1) / np.count_nonzero(agreed)
    assert agreement_share(agreed[:0]) is None


@pytest.mark.parametrize("low_high", [(0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (float("nan"), 0.5)])
def test_a_band_that_is_none_is_refused(low_high: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="a band needs"):
        AgreementBand(low=low_high[0], high=low_high[1])


def test_legs_of_different_lengths_are_refused() -> None:
    a, b = market(1, 100, 0.0)

    with pytest.raises(ValueError, match="one shape"):
        e_break(a, b[:-1], BAND)
    with pytest.raises(ValueError, match="one shape"):
        rolling_e_break(a, b[:-1], BAND)
