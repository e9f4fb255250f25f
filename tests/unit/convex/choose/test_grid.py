"""Which kinds have levels to choose, and the rules of a grid."""

from dataclasses import replace

import pytest

from convex.choose.grid import WARNINGS, check_kind, parse_levels, published_rule, rules_of_grid
from shared.domain.divergences import Kind
from shared.errors import ConfigError
from tests.support.builders_market import pair

PAIR = replace(pair(), agreement_low=0.4, agreement_high=0.55)


@pytest.mark.parametrize("kind", list(WARNINGS))
def test_published_rule_is_one_of_its_grid(kind: Kind) -> None:
    published = published_rule(kind)

    assert published in rules_of_grid(published)


@pytest.mark.parametrize("kind", list(WARNINGS))
def test_levels_keep_their_proportion_and_nothing_else_changes(kind: Kind) -> None:
    published = published_rule(kind)
    rules = rules_of_grid(published)

    assert [rule.warning for rule in rules] == sorted(WARNINGS[kind])
    for rule in rules:
        factor = rule.warning / published.warning
        assert rule.critical == pytest.approx(published.critical * factor, rel=1e-5)
        assert rule.leave == pytest.approx(published.leave * factor, rel=1e-5)
        levels = {name: getattr(published, name) for name in ("warning", "critical", "leave")}
        assert replace(rule, **levels) == published


def test_every_kind_with_levels_can_be_chosen_for_a_pair_with_a_baseline() -> None:
    assert [check_kind(kind.value, PAIR) for kind in WARNINGS] == list(WARNINGS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("data_fault", "--kind data_fault: is about the data"),
        ("regime_change", "--kind regime_change: has no levels in the rules to choose"),
        ("evidence_break", "--kind evidence_break: pair gold-iwm states no baseline"),
        ("stretch", "--kind stretch: is no kind of divergence; give one of ratio_stretch, "),
        ("", "--kind : is no kind of divergence"),
    ],
)
def test_kind_without_levels_to_choose_is_refused_with_the_reason(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_kind(name, pair())

    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,two", "'two' is no number"),
        ("1,,2", "'' is no number"),
        ("0,1", "0 must be positive and finite"),
        ("1,-2", "-2 must be positive and finite"),
        ("1,inf", "inf must be positive and finite"),
        ("1,nan", "nan must be positive and finite"),
        ("2,2.0", "needs 2 to 40 different levels, was 1"),
        (",".join(str(at) for at in range(1, 42)), "needs 2 to 40 different levels, was 41"),
    ],
)
def test_levels_that_cannot_be_used_are_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_levels(text)

    assert str(error.value).startswith(f"--levels {text}: {said}")
