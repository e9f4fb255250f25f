"""What is said about chance follows from two rates and their intervals, for every kind."""

from dataclasses import replace

import pytest

from shared.domain.divergences import Estimate, Interval, Kind, Null, ObservedOpenings, Period, Significance
from shared.text.chance import NO_FIGURE, brief_chance, brief_comparison, describe_chance, format_rate

MARKET_KINDS = [kind for kind in Kind if kind.is_market]
OPENED = "It opened 3.9 times a year (29 times; 95%: 2.6 to 5.6)."
PERIOD = Period(first_session="2012-11-14", last_session="2021-03-31")


def figure(
    per_year: float | None = 3.6,
    interval: tuple[float, float] | None = (2.9, 4.4),
    observed: tuple[int, float, float, float] | None = (29, 3.9, 2.6, 5.6),
    null: Null | None = Null.UNRELATED_LEGS,
    period: Period | None = PERIOD,
) -> Significance:
    return Significance(
        correlation=None,
        effective_size=None,
        false_alarms_per_year=per_year,
        interval=None if interval is None else Interval(low=interval[0], high=interval[1]),
        null=null,
        period=period,
        observed=None
        if observed is None
        else ObservedOpenings(
            count=observed[0], per_year=Estimate(value=observed[1], low=observed[2], high=observed[3])
        ),
    )


@pytest.mark.parametrize("kind", MARKET_KINDS)
def test_each_kind_that_is_not_shown_to_differ_from_its_null_says_so_in_one_plain_sentence(
    kind: Kind,
) -> None:
    said = " ".join(describe_chance(kind, figure()))

    assert said.count("No difference from chance is shown: ") == said.count(" as often.") == 1
    assert "more often" not in said


@pytest.mark.parametrize("kind", MARKET_KINDS)
@pytest.mark.parametrize(
    "observed",
    [(2, 0.25, 0.03, 0.89), (1, 0.12, 0.003, 0.69), (0, 0.0, 0.0, 0.5)],
    ids=["two openings", "one opening", "no opening"],
)
def test_few_openings_are_never_said_to_come_as_often_as_by_chance(
    kind: Kind, observed: tuple[int, float, float, float]
) -> None:
    one = figure(per_year=0.15, interval=(0.05, 0.41), observed=observed)

    # The interval of what was seen also holds rates of a third of chance, and of four times as much.
    said = " ".join(describe_chance(kind, one))

    assert "No difference from chance is shown: " in said
    assert "may " in said
    assert "would open this as often" not in said
    assert brief_comparison(one) == "no difference from chance is shown"


@pytest.mark.parametrize("kind", MARKET_KINDS)
def test_each_kind_that_is_shown_to_be_rarer_than_its_null_says_so(kind: Kind) -> None:
    said = describe_chance(kind, figure(interval=(7.0, 9.0)))[1]

    assert said.startswith(f"{OPENED} ")
    assert said.endswith(" even more often.")
    assert said.removeprefix(f"{OPENED} ")[0].isupper()
    assert "No difference" not in said


def test_the_ratio_is_compared_with_the_ratio_of_two_unrelated_prices() -> None:
    assert "a ratio of two unrelated prices may open this as often." in " ".join(
        describe_chance(Kind.RATIO_STRETCH, figure())
    )


def test_a_figure_states_both_rates_with_their_intervals_the_null_and_the_period() -> None:
    assert describe_chance(Kind.OPPOSITE_MOVES, figure()) == (
        "Chance alone would open this 3.6 times a year (95%: 2.9 to 4.4).",
        (f"{OPENED} No difference from chance is shown: two unrelated prices may move apart as often."),
        (
            "Chance means two legs without a tie, each with its own volatility and persistence; "
            "counted on the closes of 14 Nov 2012 to 31 Mar 2021."
        ),
    )


@pytest.mark.parametrize(
    ("expected", "observed", "words", "brief"),
    [
        ((0.4, 0.6), (17, 2.3, 1.3, 3.7), "more often than chance explains", "more often than chance"),
        (
            (0.5, 1.2),
            (10, 1.4, 0.7, 2.5),
            "which is more, but too few openings to rule chance out",
            "perhaps more often than chance",
        ),
        (
            (0.5, 1.2),
            (6, 0.9, 0.3, 1.8),
            "two legs whose correlation never changes may open this as often",
            "no difference from chance is shown",
        ),
        ((1.9, 2.2), (6, 0.9, 0.3, 1.8), "would open this even more often", "less often than chance"),
        # The ends touch: nothing is shown.
        ((1.8, 2.2), (6, 0.9, 0.3, 1.8), "may open this as often", "no difference from chance is shown"),
        # The ends touch: nothing is shown.
        ((0.4, 1.3), (17, 2.3, 1.3, 3.7), "too few openings", "perhaps more often than chance"),
    ],
)
def test_the_comparison_follows_from_the_ends_of_both_intervals(
    expected: tuple[float, float], observed: tuple[int, float, float, float], words: str, brief: str
) -> None:
    one = figure(per_year=sum(expected) / 2, interval=expected, observed=observed)

    assert words in " ".join(describe_chance(Kind.CORRELATION_BREAK, one))
    assert brief_comparison(one) == brief
    assert brief_chance(one).endswith(f"; {brief}")
    assert one.exceeds_chance is (brief == "more often than chance")


@pytest.mark.parametrize("kind", MARKET_KINDS)
def test_a_rule_without_a_figure_says_that_none_exists(kind: Kind) -> None:
    none = figure(per_year=None, interval=None, observed=None, null=None, period=None)

    assert describe_chance(kind, none) == (NO_FIGURE,)
    assert brief_chance(none) == "by chance: no figure for this rule"


def test_an_older_event_has_only_its_rate() -> None:
    old = figure(per_year=0.96, interval=None, observed=None, null=None, period=None)

    assert describe_chance(Kind.HEDGE_LOST, old) == ("Chance alone would open this 1.0 times a year.",)
    assert brief_chance(old) == "by chance 0.96 a year"


@pytest.mark.parametrize(
    ("null", "period", "source"),
    [
        (Null.CONSTANT_CORRELATION, None, ("Chance means two legs whose correlation never changes.",)),
        (None, PERIOD, ("Counted on the closes of 14 Nov 2012 to 31 Mar 2021.",)),
        (None, None, ()),
    ],
)
def test_the_source_is_said_as_far_as_it_is_known(
    null: Null | None, period: Period | None, source: tuple[str, ...]
) -> None:
    assert describe_chance(Kind.HEDGE_LOST, figure(null=null, period=period))[2:] == source


def test_openings_without_an_interval_of_chance_are_not_compared() -> None:
    said = describe_chance(Kind.HEDGE_LOST, figure(interval=None))

    assert said[1] == OPENED


@pytest.mark.parametrize(
    ("per_year", "interval", "sentence"),
    [
        (1.34, (1.1, 1.6), "Chance alone would open this 1.3 times a year (95%: 1.1 to 1.6)."),
        (0.96, None, "Chance alone would open this 1.0 times a year."),
        (0.8, None, "Chance alone would open this about once a year."),
        (
            0.141,
            (0.08, 0.25),
            "Chance alone would open this about once in 7 years (95%: 0.08 to 0.25 a year).",
        ),
        (0.0005, None, "Chance alone would open this about once in 2,000 years."),
        (
            0.0,
            (0.0, 0.02),
            "Chance alone did not open this once in randomly drawn histories (95%: at most 0.02 a year).",
        ),
        (0.0, None, "Chance alone did not open this once in randomly drawn histories."),
    ],
)
def test_a_rare_rule_is_said_in_years_and_one_that_never_opened_is_not_called_impossible(
    per_year: float, interval: tuple[float, float] | None, sentence: str
) -> None:
    assert describe_chance(Kind.HEDGE_LOST, figure(per_year=per_year, interval=interval))[0] == sentence


def test_a_rule_that_never_opened_in_the_history_says_so_with_the_upper_end() -> None:
    said = describe_chance(
        Kind.HEDGE_LOST, figure(per_year=0.1, interval=(0.05, 0.2), observed=(0, 0.0, 0.0, 0.5))
    )

    assert said[1].startswith("It did not open in that history (95%: 0 to 0.50 a year).")
    assert said[1].endswith("may open this as often.")


def test_a_count_without_an_interval_is_said_without_one() -> None:
    one = replace(figure(), observed=ObservedOpenings(count=29, per_year=Estimate(value=3.9)))

    assert describe_chance(Kind.RATIO_STRETCH, one)[1].startswith("It opened 3.9 times a year (29 times)")


def test_rates_keep_two_decimals_where_one_would_hide_them() -> None:
    assert [format_rate(rate) for rate in (0.004, 0.09, 0.99, 1.0, 12.34)] == [
        "under 0.01",
        "0.09",
        "0.99",
        "1.0",
        "12.3",
    ]
