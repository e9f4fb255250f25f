"""The rules file with the levels of one pair's budgets, written again."""

from dataclasses import replace
from pathlib import Path

from convex.calibrate.budget_study import CalibratedRule
from convex.calibrate.rules_toml import calibrated_rules_bytes
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.rules_file import load_rules, read_rules_file
from shared.domain.divergences import Kind

FILE = """
[ratio_stretch]
false_alarms_per_year = 1
hold_seconds = 60

[regime_change]
enabled = true

[hedge_lost]
enabled = false

[pairs.gold-tlt.ratio_stretch]
warning = 2.5

[pairs.gold-iwm.ratio_stretch]
cooldown_sessions = 2

[pairs."gold tlt".hedge_lost]
enabled = true
"""
FIGURE = FalseAlarms(
    pair="gold-iwm",
    kind=Kind.RATIO_STRETCH,
    rule_version="ratio_stretch-1-0",
    per_year=0.99,
    standard_error=0.01,
    block_length=64.0,
    paths=2,
    years=1,
    seed=1,
    first_session="2012-11-14",
    last_session="2021-03-31",
    returns=2_106,
    budget=1.0,
    warning_low=3.026,
    warning_high=3.44,
)
FOUND = CalibratedRule(rule=Rule(warning=3.232, critical=5.441, leave=1.616), figure=FIGURE, costs=())


def written(folder: Path, text: str, *found: CalibratedRule, pair: str = "gold-iwm") -> Path:
    path = folder / "rules.toml"
    path.write_text(text)
    again = folder / "calibrated.toml"
    again.write_bytes(calibrated_rules_bytes(read_rules_file(path), pair, found))
    return again


def test_levels_stand_in_a_table_of_the_pair_beside_the_budget(tmp_path: Path) -> None:
    path = written(tmp_path, FILE, FOUND)

    rule = load_rules(path, pair="gold-iwm")[0]
    assert rule == Rule(warning=3.232, critical=5.441, leave=1.616, hold_seconds=60, cooldown_sessions=2)
    assert read_rules_file(path).budgets_of("gold-iwm") == {Kind.RATIO_STRETCH: 1.0}
    text = path.read_text()
    assert "false_alarms_per_year = 1.0  # from 2012-11-14 to 2021-03-31\n" in text
    assert "warning = 3.232  # 95 %: 3.026 to 3.44\n" in text


def test_everything_else_of_the_file_stays(tmp_path: Path) -> None:
    path = written(tmp_path, FILE, FOUND)
    before, after = read_rules_file(tmp_path / "rules.toml"), read_rules_file(path)

    assert after.general == before.general
    assert set(after.of_pair) == set(before.of_pair)
    for pair in ("gold-tlt", "gold tlt"):
        assert after.of_pair[pair] == before.of_pair[pair]
    assert load_rules(path, pair="gold-tlt") == load_rules(tmp_path / "rules.toml", pair="gold-tlt")


def test_second_pair_is_added_to_what_the_first_one_left(tmp_path: Path) -> None:
    first = written(tmp_path, "[ratio_stretch]\nfalse_alarms_per_year = 1\n", FOUND).read_text()
    other = replace(FOUND, rule=Rule(warning=2.9, critical=4.1, leave=1.45))

    path = written(tmp_path, first, other, pair="gold-slv")

    assert load_rules(path, pair="gold-iwm")[0] == FOUND.rule
    assert load_rules(path, pair="gold-slv")[0] == other.rule


def test_new_levels_replace_the_old_ones_and_an_end_without_a_level_says_so(tmp_path: Path) -> None:
    first = written(tmp_path, FILE, FOUND).read_text()
    figure = replace(FIGURE, budget=0.5, warning_low=None)
    again = CalibratedRule(rule=Rule(warning=3.7, critical=6.2, leave=1.85), figure=figure, costs=())

    path = written(tmp_path, first, again)

    assert load_rules(path, pair="gold-iwm")[0].warning == 3.7
    assert "warning = 3.7  # 95 %: no level to 3.44\n" in path.read_text()
    assert read_rules_file(path).budgets_of("gold-iwm") == {Kind.RATIO_STRETCH: 0.5}


def test_kind_that_is_context_opens_with_the_levels_of_its_budget(tmp_path: Path) -> None:
    moves = next(rule for rule in PUBLISHED_RULES if rule.kind is Kind.OPPOSITE_MOVES)
    figure = replace(FIGURE, kind=Kind.OPPOSITE_MOVES)
    found = CalibratedRule(rule=replace(moves, warning=2.8), figure=figure, costs=())

    path = written(tmp_path, "[opposite_moves]\nfalse_alarms_per_year = 1\n", found)

    assert replace(moves, warning=2.8) in load_rules(path, pair="gold-iwm")
