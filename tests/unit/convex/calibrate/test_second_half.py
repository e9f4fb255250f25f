"""The figure sees the first half of a history only, and only openings of the second are counted."""

from dataclasses import replace

import numpy as np
import pytest

from convex.calibrate.false_alarms import expect_false_alarms
from convex.calibrate.history import History
from convex.calibrate.rule_openings import rule_openings
from convex.calibrate.second_half import SecondHalf, check_second_half
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.divergences import Kind
from tests.support.builders_market import pair

PAIR = pair()
RULES = tuple(rule for rule in PUBLISHED_RULES if rule.kind in (Kind.RATIO_STRETCH, Kind.CORRELATION_BREAK))
FEW = {"seed": 1, "paths": 6, "years": 2, "refits": 2, "block_length": None}


def history(size: int = 1_600) -> History:
    lead, other = np.random.default_rng(4).standard_t(4, (2, size)) * 0.01
    return History(sessions=tuple(f"s{at:05}" for at in range(size + 1)), lead=lead, other=other)


def checked(given: History) -> tuple[SecondHalf, ...]:
    return check_second_half(given, RULES, pair=PAIR, **FEW)  # type: ignore[arg-type]  # numbers by name


def test_figures_are_those_of_the_first_half() -> None:
    given = history()
    first = expect_false_alarms(given.until(800), RULES, pair=PAIR, **FEW)  # type: ignore[arg-type]  # as above

    assert tuple(each.expected for each in checked(given)) == first
    assert first[0].period.last_session == "s00800"


def test_change_in_the_second_half_changes_its_openings_and_no_figure() -> None:
    given = history()
    wild = replace(
        given, other=np.concatenate((given.other[:800], given.lead[800:] * 0.5 + given.other[800:]))
    )

    before, after = checked(given), checked(wild)

    assert [each.expected for each in before] == [each.expected for each in after]
    assert [each.observed for each in before] != [each.observed for each in after]


def test_openings_are_those_after_the_first_half() -> None:
    given = history()
    for half, rule in zip(checked(given), RULES, strict=True):
        legs = given.lead[np.newaxis], given.other[np.newaxis]
        whole, first = (
            int(rule_openings(rule, *(leg[:, :size] for leg in legs), pair=PAIR, after=0).counts[0])
            for size in (1_600, 800)
        )
        assert half.observed is not None
        assert half.observed.count == whole - first
        assert half.observed.per_year.value == pytest.approx((whole - first) * 252 / 800)


def test_history_of_less_than_four_years_has_no_halves() -> None:
    with pytest.raises(ValueError, match="each half needs at least 504 returns, was 500"):
        checked(history(1_000))


def test_statistic_without_a_value_in_the_second_half_has_no_openings() -> None:
    given = history()
    flat = replace(given, lead=np.concatenate((given.lead[:500], np.zeros(1_100))))

    assert [each.observed for each in checked(flat)][1] is None
