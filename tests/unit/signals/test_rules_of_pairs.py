"""Rules of single pairs, and budgets of false alarms instead of levels."""

from dataclasses import replace
from pathlib import Path

import pytest

from convex.explain.hold_and_cooldown import cooldowns_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, PUBLISHED_RULES
from services.signals.rules_file import load_rules, load_rules_of_pairs, read_rules_file
from shared.domain.divergences import Kind
from shared.errors import ConfigError

BREAK = next(rule for rule in PUBLISHED_RULES if rule.kind is Kind.CORRELATION_BREAK)
LEVELS = "warning = 2.4\ncritical = 3.1\nleave = 1.2\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text)
    return path


def ratio_of(path: Path, pair: str | None = None) -> Rule:
    return next(rule for rule in load_rules(path, pair=pair) if rule.kind is Kind.RATIO_STRETCH)


def test_table_of_a_pair_changes_what_it_names_and_only_for_that_pair(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[ratio_stretch]\nwarning = 2.2\ncooldown_sessions = 3\n"
        "[pairs.gold-tlt.ratio_stretch]\nwarning = 2.5\n",
    )

    assert ratio_of(path) == ratio_of(path, "gold-iwm") == Rule(warning=2.2, cooldown_sessions=3)
    assert ratio_of(path, "gold-tlt") == Rule(warning=2.5, cooldown_sessions=3)
    assert load_rules(path, pair="gold-tlt")[1:] == DEFAULT_RULES[1:]


def test_kind_is_enabled_or_switched_off_for_one_pair(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[pairs.gold-tlt.opposite_moves]\nwarning = 2.5\n[hedge_lost]\nenabled = false\n"
        "[pairs.gold-spy.hedge_lost]\nenabled = true\n[pairs.gold-spy.ratio_stretch]\nenabled = false\n"
        "[pairs.gold-slv.hedge_lost]\nleave = 0.05\n",
    )
    kinds = {
        pair: {rule.kind for rule in load_rules(path, pair=pair)}
        for pair in ("gold-iwm", "gold-tlt", "gold-spy", "gold-slv")
    }
    usual = {rule.kind for rule in DEFAULT_RULES} - {Kind.HEDGE_LOST}

    assert kinds["gold-iwm"] == usual
    assert kinds["gold-tlt"] == usual | {Kind.OPPOSITE_MOVES}
    assert kinds["gold-spy"] == usual - {Kind.RATIO_STRETCH} | {Kind.HEDGE_LOST}
    # Switched off for all pairs, and the pair's table does not say otherwise.
    assert kinds["gold-slv"] == usual


def test_levels_that_a_budget_was_given_for_are_used_and_the_budget_is_no_part_of_the_rule(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, f"[ratio_stretch]\nfalse_alarms_per_year = 0.5\n{LEVELS}")

    assert ratio_of(path) == Rule(warning=2.4, critical=3.1, leave=1.2)
    assert ratio_of(path).version == Rule(warning=2.4, critical=3.1, leave=1.2).version


def test_budget_without_levels_names_file_table_field_and_command(tmp_path: Path) -> None:
    path = write(tmp_path, "[ratio_stretch]\nfalse_alarms_per_year = 0.5\n")

    with pytest.raises(ConfigError) as caught:
        load_rules(path, pair="gold-iwm")

    assert str(caught.value) == (
        f"{path}: [ratio_stretch] false_alarms_per_year: has no levels yet for pair gold-iwm; "
        f"find them with: convex calibrate --pair gold-iwm --gold FILE --iwm FILE --rules {path} "
        "--out false_alarms.toml --rules-out calibrated_rules.toml"
    )
    with pytest.raises(
        ConfigError, match=r"has no levels yet; find them with: convex calibrate --pair PAIR "
    ):
        load_rules(path)


def test_budget_of_a_kind_that_is_off_needs_no_levels(tmp_path: Path) -> None:
    path = write(tmp_path, "[ratio_stretch]\nfalse_alarms_per_year = 0.5\nenabled = false\n")

    assert load_rules(path) == DEFAULT_RULES[1:]
    assert read_rules_file(path).budgets_of("gold-iwm") == {}


def test_budget_of_all_pairs_is_met_by_levels_of_each(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"[ratio_stretch]\nfalse_alarms_per_year = 0.5\n[pairs.gold-iwm.ratio_stretch]\n{LEVELS}",
    )

    assert ratio_of(path, "gold-iwm") == Rule(warning=2.4, critical=3.1, leave=1.2)
    rules = load_rules_of_pairs(path, ["gold-iwm"])
    assert rules.general == ()
    assert rules.of("gold-iwm") == load_rules(path, pair="gold-iwm")
    with pytest.raises(ConfigError, match=r"\[ratio_stretch\] false_alarms_per_year: .* for pair gold-tlt;"):
        load_rules_of_pairs(path, ["gold-iwm", "gold-tlt"])


def test_budget_of_a_pair_replaces_the_levels_of_all_pairs(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"[ratio_stretch]\nfalse_alarms_per_year = 0.5\n{LEVELS}hold_seconds = 60\n"
        "[pairs.gold-tlt.ratio_stretch]\nfalse_alarms_per_year = 2\n",
    )

    assert ratio_of(path, "gold-iwm").warning == 2.4
    with pytest.raises(ConfigError, match=r"\[pairs\.gold-tlt\.ratio_stretch\] false_alarms_per_year"):
        load_rules(path, pair="gold-tlt")
    file = read_rules_file(path)
    assert file.budgets_of("gold-iwm") == {Kind.RATIO_STRETCH: 0.5}
    assert file.budgets_of("gold-tlt") == {Kind.RATIO_STRETCH: 2.0}
    assert Rule(hold_seconds=60) in file.rules_of("gold-tlt", without_levels=(Kind.RATIO_STRETCH,))


def test_table_of_a_pair_without_levels_keeps_budget_and_levels_of_all_pairs(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"[ratio_stretch]\nfalse_alarms_per_year = 0.5\n{LEVELS}"
        "[pairs.gold-tlt.ratio_stretch]\nhold_seconds = 60\n",
    )

    assert ratio_of(path, "gold-tlt") == Rule(warning=2.4, critical=3.1, leave=1.2, hold_seconds=60)
    assert read_rules_file(path).budgets_of("gold-tlt") == {Kind.RATIO_STRETCH: 0.5}


def test_pairs_with_equal_rules_share_them(tmp_path: Path) -> None:
    table = "[pairs.{}.ratio_stretch]\nwarning = 2.5\n"
    path = write(tmp_path, table.format("gold-tlt") + table.format("gold-spy"))

    rules = load_rules_of_pairs(path, ["gold-iwm", "gold-tlt", "gold-spy"])

    assert rules.of("gold-tlt") is rules.of("gold-spy")
    assert rules.of("gold-iwm") is rules.general == DEFAULT_RULES
    assert rules.every == (*DEFAULT_RULES, Rule(warning=2.5))
    assert load_rules_of_pairs(None, ["gold-iwm"]).general == DEFAULT_RULES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pairs = 3\n", "pairs must be tables, [pairs.PAIR.KIND], was 3"),
        ("[pairs]\ngold-iwm = 3\n", "pairs.gold-iwm must be tables, [pairs.gold-iwm.KIND], was 3"),
        (
            "[pairs.gold-iwm.ratio]\n",
            "[pairs.gold-iwm.ratio] is no kind of divergence; known are ratio_stretch",
        ),
        (
            "[pairs.gold-iwm]\nratio_stretch = 2\n",
            "pairs.gold-iwm.ratio_stretch must be a table, [pairs.gold-iwm.ratio_stretch], was 2",
        ),
        ("[pairs.gold-iwm.ratio_stretch]\nwarn = 2\n", "[pairs.gold-iwm.ratio_stretch] warn: is no field"),
        (
            "[pairs.gold-iwm.ratio_stretch]\nwarning = 5\n",
            "[pairs.gold-iwm] ratio_stretch: needs 0 <= leave < warning < critical, was 1.0, 5.0, 3.0",
        ),
        (
            "[ratio_stretch]\nfalse_alarms_per_year = 0\n",
            "[ratio_stretch] false_alarms_per_year: must lie between 0.01 and 50, was 0",
        ),
        ("[ratio_stretch]\nfalse_alarms_per_year = nan\n", "[ratio_stretch] false_alarms_per_year: must lie"),
        (
            "[ratio_stretch]\nfalse_alarms_per_year = true\n",
            "[ratio_stretch] false_alarms_per_year: Input should be a valid number",
        ),
        (
            "[ratio_stretch]\nfalse_alarms_per_year = 1\nwarning = 2.4\n",
            "[ratio_stretch] critical: is missing; beside false_alarms_per_year give all of warning,",
        ),
        (
            "[regime_change]\nfalse_alarms_per_year = 1\n",
            "[regime_change] false_alarms_per_year: is no field of this rule",
        ),
        ("[data_fault]\nfalse_alarms_per_year = 1\n", "[data_fault] false_alarms_per_year: is no field"),
    ],
)
def test_bad_table_is_reported_with_its_name_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_rules(path, pair="gold-iwm")

    assert str(caught.value).startswith(f"{path}: {said}")


def test_pair_that_the_installation_does_not_have_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "[pairs.gold-imw.ratio_stretch]\nwarning = 2.5\n")

    with pytest.raises(ConfigError, match=r"\[pairs\.gold-imw\] is no pair; known are gold-iwm, gold-tlt"):
        load_rules_of_pairs(path, ["gold-iwm", "gold-tlt"])


def test_explanations_know_the_cooldown_of_every_rule_in_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[ratio_stretch]\nfalse_alarms_per_year = 0.5\n"
        "[pairs.gold-iwm.correlation_break]\ncooldown_sessions = 2\n",
    )

    cooldowns = cooldowns_of(path)

    assert cooldowns[replace(BREAK, cooldown_sessions=2).version] == 2
    assert all(cooldowns[rule.version] == rule.cooldown_sessions for rule in PUBLISHED_RULES)
