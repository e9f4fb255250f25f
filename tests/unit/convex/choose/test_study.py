"""What a study concludes, and what it says where there is nothing to compare."""

from dataclasses import replace

import pytest

from convex.calibrate.null_paths import NOT_COUNTED
from convex.choose.grid import published_rule, rules_of_grid
from convex.choose.hit_rates import HitRate
from convex.choose.search_correction import SearchTest
from convex.choose.study import LEAST_RETURNS, Study, Verdict, study_levels
from convex.choose.words import covers_of, lines_of, sentence_of
from shared.domain.divergences import Estimate, Kind
from shared.errors import ConfigError
from tests.support.builders_market import pair
from tests.unit.convex.choose.markets import history_of, unrelated

RULES = rules_of_grid(published_rule(Kind.RATIO_STRETCH), (1.5, 2.0, 2.5))
HISTORY = history_of(unrelated(1, 1_300))


def study(**changes: object) -> Study:
    given = {"history": HISTORY, "rules": RULES, "seed": 1, "histories": 19, "draws": 100} | changes
    return study_levels(pair=pair(), **given)  # type: ignore[arg-type]  # named as its parameters


STUDY = study()


def with_p(p: float, *, later: float) -> Study:
    """Return a study with a p-value, and a hit rate of the choices of the past less the usual rate."""
    test = SearchTest(level=1, horizon=1, spa=p, synthetic=p / 2, columns=6, draws=100, histories=19)
    total = HitRate(
        count=20,
        hits=12,
        episodes=20,
        rate=Estimate(value=0.6, low=0.36, high=0.81),
        base=0.6 - later,
    )
    return replace(STUDY, test=test, walk=replace(STUDY.walk, total=total))


@pytest.mark.parametrize(
    ("p", "later", "verdict"),
    [
        (0.05, 0.1, Verdict.BEATS_CHANCE),
        (0.051, 0.1, Verdict.NOTHING),
        (0.05, 0.0, Verdict.NOT_CONFIRMED),
        (0.05, -0.1, Verdict.NOT_CONFIRMED),
    ],
)
def test_level_beats_chance_only_by_both_the_search_and_the_choices_of_the_past(
    p: float, later: float, verdict: Verdict
) -> None:
    found = with_p(p, later=later)

    assert found.verdict is verdict
    assert (found.chosen is found.levels[1]) is (verdict is Verdict.BEATS_CHANCE)


def test_choices_without_a_known_outcome_confirm_nothing() -> None:
    found = with_p(0.01, later=0.1)
    nothing = HitRate(count=0, hits=0, episodes=0, rate=Estimate(value=None), base=None)

    found = replace(found, walk=replace(found.walk, total=nothing))

    assert found.verdict is Verdict.NOT_CONFIRMED
    assert sentence_of(found).endswith("then opened less than 10 times: no opening with a known outcome.")


@pytest.mark.parametrize(("count", "verdict"), [(9, Verdict.NOT_CONFIRMED), (10, Verdict.BEATS_CHANCE)])
def test_choices_that_opened_a_few_times_only_confirm_nothing(count: int, verdict: Verdict) -> None:
    found = with_p(0.01, later=0.1)

    found = replace(found, walk=replace(found.walk, total=replace(found.walk.total, count=count)))

    assert found.verdict is verdict
    assert ("then opened less than 10 times: " in sentence_of(found)) is (count == 9)


def test_sentence_says_what_was_found() -> None:
    rate = STUDY.levels[1].hit_rates[1]
    best = (
        f"The best of 6 levels and horizons is warning 2: {rate.hits} of {rate.count} hits after 20 "
        f"sessions, {100 * rate.hits / rate.count:.0f} % where {100 * (rate.base or 0):.0f} % are usual. "
        "By chance alone the best of so many is as good with p = "
    )

    assert sentence_of(with_p(0.05, later=0.1)) == (
        f"Warning 2 beats chance at a significance of 5 %. {best}0.050. The levels chosen from the past "
        "alone then had 12 of 20 hits, 60 % (36 to 81 %), usual 50 %: their interval holds the usual share, "
        "so they alone show nothing. Of searches on prices without any such tie, about one in twenty "
        "ends like this."
    )
    assert sentence_of(with_p(0.2, later=0.1)) == (
        f"Nothing is shown to beat chance. {best}0.200; it would have to be 0.05 or less."
    )
    assert sentence_of(with_p(0.05, later=-0.1)) == (
        f"Nothing is chosen. {best}0.050. But the levels chosen from the past alone then did no better than "
        "usual: 12 of 20 hits, 60 % (36 to 81 %), usual 70 %."
    )


def test_what_p_covers_names_both_tests_and_the_null() -> None:
    said = covers_of(with_p(0.2, later=0.1))

    assert said is not None
    assert said.startswith(
        "p is the larger of 0.200 (Hansen's test of superior predictive ability) and 0.100 (the rank among "
        "19 synthetic histories whose legs have nothing to do with each other). It counts the search over "
        "these levels and horizons, and no other: "
    )


def test_level_that_is_chosen_has_a_mark_in_each_table() -> None:
    marked = [line for line in lines_of(with_p(0.01, later=0.1)) if line.startswith("*")]

    assert [line.split()[1] for line in marked] == ["2", "2", "2"]
    assert not [line for line in lines_of(with_p(0.9, later=0.1)) if line.startswith("*")]


def test_grid_that_never_opens_is_one_clear_sentence() -> None:
    found = study(rules=rules_of_grid(published_rule(Kind.RATIO_STRETCH), (50.0, 60.0)))

    assert found.verdict is Verdict.NEVER_OPENED
    assert found.chosen is None
    assert covers_of(found) is None
    assert sentence_of(found) == (
        f"Nothing can be compared with chance: in {found.closes:,} closes ratio_stretch never opened, even "
        "at a warning of 50. Give lower --levels or a longer history."
    )
    assert [level.delay.sessions for level in found.levels] == [None, None]


def test_grid_whose_openings_are_too_few_is_one_clear_sentence() -> None:
    found = study(rules=rules_of_grid(published_rule(Kind.RATIO_STRETCH), (3.6, 60.0)))

    assert 0 < found.levels[0].openings < 10
    assert found.verdict is Verdict.TOO_FEW_OPENINGS
    assert sentence_of(found) == (
        f"Nothing can be compared with chance: in {found.closes:,} closes no level opened 10 times with a "
        "known outcome. Give lower --levels or a longer history."
    )


def test_history_that_is_too_short_to_choose_and_score_is_refused() -> None:
    lead, other = unrelated(1, LEAST_RETURNS - 1)

    with pytest.raises(ConfigError, match="have 1008 sessions in common; give at least 1009: a year for"):
        study(history=history_of((lead, other)))


def test_shortest_history_is_studied() -> None:
    found = study(history=history_of(unrelated(1, LEAST_RETURNS)))

    assert found.walk.folds[0].choice is not None
    # Enough closes are left to count openings by chance in histories of the same length.
    assert LEAST_RETURNS > NOT_COUNTED


def test_openings_a_year_are_counted_over_the_closes_with_a_value() -> None:
    for level in STUDY.levels:
        # z_90 has a value from the 91st close on, of 1,301 closes.
        assert STUDY.closes == 1_211
        assert level.per_year == pytest.approx(level.openings * 252 / 1_211)


def test_higher_levels_open_less_often_by_chance_and_a_change_reaches_them_later() -> None:
    rates = [level.by_chance for level in STUDY.levels]
    shares = [level.delay.share for level in STUDY.levels]

    assert rates == sorted(rates, reverse=True)
    assert shares == sorted(shares, reverse=True)
    assert rates[0] > rates[-1] > 0.0


def test_equal_seeds_give_equal_studies_and_others_other_histories() -> None:
    assert study() == STUDY
    assert study(seed=2).levels[0].by_chance != STUDY.levels[0].by_chance


def test_progress_counts_the_synthetic_histories() -> None:
    seen: list[tuple[int, int]] = []
    study(on_progress=lambda done, every: seen.append((done, every)))

    assert seen == [(at, 19) for at in range(1, 20)]
