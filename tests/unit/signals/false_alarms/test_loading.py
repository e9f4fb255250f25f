"""What the command wrote is read back; what it cannot have written is refused with file, table and field."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convex.calibrate.figures_file import false_alarms_bytes
from convex.calibrate.rule_openings import KINDS
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.false_alarms.loading import load_false_alarms, read_false_alarms
from shared.domain.divergences import Kind, Null
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError


def figure(kind: Kind = Kind.CORRELATION_BREAK, version: str = "correlation_break-1-0") -> FalseAlarms:
    return FalseAlarms(
        pair="gold-iwm",
        kind=kind,
        rule_version=version,
        per_year=1.23456789,
        standard_error=0.0123456789,
        low=0.87654321,
        high=1.7654321,
        refits=20,
        null=Null.CONSTANT_CORRELATION,
        correlation=-0.07391,
        block_length=64.3481,
        paths=1_000,
        years=20,
        seed=1,
        first_session="2012-11-14",
        last_session="2021-03-31",
        returns=2_106,
        observed=10,
        observed_sessions=1_855,
    )


ROUNDED: dict[str, Any] = {
    "per_year": 1.234568,
    "standard_error": 0.012346,
    "low": 0.876543,
    "high": 1.765432,
    "correlation": -0.0739,
    "block_length": 64.35,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "false_alarms.toml"
    path.write_bytes(false_alarms_bytes((figure(), figure(Kind.HEDGE_LOST, "hedge_lost-1-0"))))
    return path


def test_shipped_figures_are_those_of_the_published_rules() -> None:
    versions = {rule.version for rule in PUBLISHED_RULES if rule.kind in KINDS}

    assert set(load_false_alarms(None)) == {("gold-iwm", version) for version in versions}
    assert {(each.kind, each.rule_version) for each in read_false_alarms(None)} == {
        (rule.kind, rule.version) for rule in PUBLISHED_RULES if rule.kind in KINDS
    }


def test_shipped_figures_are_known_to_a_hundredth_of_an_alarm_or_a_fiftieth_and_have_an_interval() -> None:
    for figure in read_false_alarms(None):
        assert 0 < figure.standard_error < max(0.01, 0.02 * figure.per_year)
        assert figure.interval is not None
        assert figure.interval.high - figure.interval.low > 2 * figure.standard_error
        assert figure.openings is not None
        assert figure.null is KIND_TRAITS[figure.kind].null


def test_file_is_read_as_it_was_written(file: Path) -> None:
    first, second = read_false_alarms(file)
    assert load_false_alarms(file) == {
        ("gold-iwm", "correlation_break-1-0"): first,
        ("gold-iwm", "hedge_lost-1-0"): second,
    }
    assert first == replace(figure(), **ROUNDED)
    assert (first.kind, second.kind) == (Kind.CORRELATION_BREAK, Kind.HEDGE_LOST)


def test_file_of_an_earlier_version_has_no_interval_and_no_observed_openings(file: Path) -> None:
    later = ("low", "high", "refits", "null", "observed", "observed_sessions")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if line.partition(" = ")[0] not in later))

    first, _ = read_false_alarms(file)

    assert (first.per_year, first.period.first_session) == (1.234568, "2012-11-14")
    assert (first.interval, first.null, first.openings) == (None, None, None)


def test_file_written_again_has_the_same_bytes(file: Path) -> None:
    assert false_alarms_bytes(read_false_alarms(file)) == file.read_bytes()


def test_files_of_two_pairs_can_be_joined(file: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.toml"
    joined.write_text(file.read_text() + "\n" + file.read_text().replace("gold-iwm", "gold-spy"))

    assert {pair for pair, _ in load_false_alarms(joined)} == {"gold-iwm", "gold-spy"}


def test_figure_of_another_version_or_pair_is_absent(file: Path) -> None:
    known = load_false_alarms(file)

    assert known.get(("gold-iwm", "correlation_break-1-1")) is None
    assert known.get(("gold-spy", "correlation_break-1-0")) is None


def test_empty_file_has_no_figure(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_bytes(false_alarms_bytes(()))

    assert load_false_alarms(path) == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "per_year = 1.234568",
            "per_year = true",
            "[[false_alarms]] 1 per_year: Input should be a valid number",
        ),
        (
            "per_year = 1.234568",
            'per_year = "1"',
            "[[false_alarms]] 1 per_year: Input should be a valid number",
        ),
        ("per_year = 1.234568", "per_year = nan", "[[false_alarms]] 1 per_year: is out of range, was nan"),
        ("low = 0.876543", "low = 1.3", "[[false_alarms]] 1 low: is out of range, was 1.3"),
        ("high = 1.765432", "high = 1.2", "[[false_alarms]] 1 high: is out of range, was 1.2"),
        ("low = 0.876543", 'low = "0"', "[[false_alarms]] 1 low: Input should be a valid number"),
        (
            'null = "constant_correlation"',
            'null = "none"',
            "[[false_alarms]] 1 null: 'none' is no null",
        ),
        ("observed = 10", "observed = -1", "[[false_alarms]] 1 observed: is out of range, was -1"),
        ("per_year = 1.234568", "per_year = -1.0", "[[false_alarms]] 1 per_year: is out of range, was -1.0"),
        ("per_year = 1.234568\n", "", "[[false_alarms]] 1 per_year: is missing"),
        ("per_year", "a_year", "[[false_alarms]] 1 a_year: is no field of a figure; known are pair, kind,"),
        ("paths = 1000", "paths = 1e3", "[[false_alarms]] 1 paths: Input should be a valid integer"),
        ('pair = "gold-iwm"', "pair = 5", "[[false_alarms]] 1 pair: Input should be a valid string"),
        ('"hedge_lost"', '"hedge_found"', "[[false_alarms]] 2 kind: 'hedge_found' is no kind of divergence"),
        ('"hedge_lost"', "7", "[[false_alarms]] 2 kind: Input should be"),
        (
            "hedge_lost-1-0",
            "correlation_break-1-0",
            "[[false_alarms]] 2 rule_version: correlation_break-1-0 of",
        ),
        ("[[false_alarms]]", "[[alarms]]", "alarms: only [[false_alarms]] tables are known"),
        ("# Openings", "x = 1\n# Openings", "x: only [[false_alarms]] tables are known"),
        ("pair = ", "pair ", "Expected '=' after a key"),
    ],
)
def test_fault_in_a_file_is_named_with_file_table_and_field(
    file: Path, old: str, new: str, said: str
) -> None:
    file.write_text(file.read_text().replace(old, new))

    with pytest.raises(ConfigError) as refused:
        load_false_alarms(file)
    assert str(refused.value).startswith(f"{file}: {said}")


def test_one_table_instead_of_a_list_of_them_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text("[false_alarms]\nper_year = 1.0\n")

    with pytest.raises(ConfigError, match="false_alarms: only"):
        load_false_alarms(path)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_false_alarms(tmp_path / "nowhere.toml")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "figures.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"figures\.toml: "):
        load_false_alarms(path)
