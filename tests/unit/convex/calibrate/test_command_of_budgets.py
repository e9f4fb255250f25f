"""``convex calibrate --rules-out``: levels for the budgets of a rules file."""

from pathlib import Path

import pytest

from convex.calibrate.rule_openings import KINDS
from services.signals.core.kinds.registry import DEFAULT_RULES
from services.signals.false_alarms.loading import read_false_alarms
from services.signals.rules_file import load_rules, read_rules_file
from shared.domain.divergences import Kind
from shared.errors import ConfigError
from tests.unit.convex.calibrate.test_command import FEW, Run, files, run

__all__ = ["files", "run"]

ENOUGH = ("--paths", "20", "--years", "10", "--refits", "2")
BUDGET = "[ratio_stretch]\nfalse_alarms_per_year = 1\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(BUDGET)
    return path


def test_levels_are_written_with_their_figures_and_what_they_cost(
    run: Run, files: tuple[Path, Path], rules: Path, tmp_path: Path
) -> None:
    to = tmp_path / "calibrated.toml"
    with pytest.raises(ConfigError, match="has no levels yet for pair gold-iwm"):
        load_rules(rules, pair="gold-iwm")

    code, said = run(*files, *ENOUGH, "--rules", rules, "--rules-out", to)

    assert code == 0
    rule = load_rules(to, pair="gold-iwm")[0]
    assert rule.kind is Kind.RATIO_STRETCH
    assert 2.0 < rule.warning < 5.0
    figures = read_false_alarms(run.out)
    # In the order of the kinds, those without a budget as well.
    assert [each.kind for each in figures] == [rule.kind for rule in DEFAULT_RULES if rule.kind in KINDS]
    assert (figures[0].rule_version, figures[0].budget) == (rule.version, 1.0)
    assert figures[0].warning_high is not None
    assert {each.budget for each in figures[1:]} == {None}
    assert f"ratio_stretch: warning {rule.warning:g}, " in said
    assert "  at 0.5 a year " in said
    assert said.rstrip().endswith(f"→ {run.out}, {to}")


def test_levels_of_another_pair_of_the_installation_are_added(
    run: Run, files: tuple[Path, Path], rules: Path, tmp_path: Path
) -> None:
    first, both = tmp_path / "first.toml", tmp_path / "both.toml"
    run(*files, *ENOUGH, "--rules", rules, "--rules-out", first)

    code, _ = run(*files, *ENOUGH, "--pair", "gold-tlt", "--rules", first, "--rules-out", both)

    assert code == 0
    assert set(read_rules_file(both).of_pair) == {"gold-iwm", "gold-tlt"}
    assert load_rules(both, pair="gold-iwm") == load_rules(first, pair="gold-iwm")
    assert load_rules(both, pair="gold-tlt")[0].warning > 2.0


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", ENOUGH, "no kind of gold-iwm has a false_alarms_per_year, so there are no levels to find"),
        (
            BUDGET,
            (*ENOUGH, "--check"),
            "--rules-out: goes with --out, and without --check: its levels know all of the files",
        ),
        (
            BUDGET.replace("= 1", "= 0.01"),
            ENOUGH,
            "[ratio_stretch] false_alarms_per_year: 0.01 is too rare for 200 years of histories; give",
        ),
        (
            "[hedge_lost]\nfalse_alarms_per_year = 40\n",
            ENOUGH,
            "[hedge_lost] false_alarms_per_year: on this history chance opens the rule less often than",
        ),
    ],
)
def test_budget_that_cannot_be_met_is_refused_and_nothing_is_written(
    run: Run, files: tuple[Path, Path], rules: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    rules.write_text(text)
    to = run.out.parent / "calibrated.toml"

    code, told = run(*files, *options, "--rules", rules, "--rules-out", to)

    assert code == 2
    assert said in " ".join(told.split())
    assert list(run.out.parent.iterdir()) == []


def test_kind_that_needs_a_baseline_is_refused_for_a_pair_without_one(
    run: Run, files: tuple[Path, Path], rules: Path, tmp_path: Path
) -> None:
    rules.write_text("[evidence_break]\nfalse_alarms_per_year = 0.5\n")

    code, told = run(
        *files, *ENOUGH, "--pair", "gold-tlt", "--rules", rules, "--rules-out", tmp_path / "to.toml"
    )

    assert code == 2
    assert "[evidence_break] false_alarms_per_year: gold-tlt has no baseline of agreement" in " ".join(
        told.split()
    )


def test_rules_out_without_rules_or_figures_is_refused(
    run: Run, files: tuple[Path, Path], rules: Path, tmp_path: Path
) -> None:
    to = tmp_path / "to.toml"

    assert "no kind of gold-iwm has a false_alarms_per_year" in run(*files, *FEW, "--rules-out", to)[1]
    code, told = run(*files, *ENOUGH, "--rules", rules, "--rules-out", to, "--check", writes=False)
    assert code == 2
    assert "--rules-out: goes with --out" in told
    assert not to.exists()


def test_budget_without_rules_out_names_the_option(run: Run, files: tuple[Path, Path], rules: Path) -> None:
    code, told = run(*files, *ENOUGH, "--rules", rules)

    assert code == 2
    assert "--rules-out calibrated_rules.toml" in " ".join(told.split())
