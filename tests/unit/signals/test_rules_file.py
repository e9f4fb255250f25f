"""Thresholds from a file."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import CONTEXT_KINDS, DEFAULT_RULES, PUBLISHED_RULES
from services.signals.rules_file import load_rules
from shared.domain.divergences import Kind
from shared.errors import ConfigError


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "rules.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def published(kind: Kind) -> Rule:
    return next(rule for rule in PUBLISHED_RULES if rule.kind is kind)


def test_rules_without_a_file_are_the_published_ones_of_the_kinds_that_open_by_default() -> None:
    assert load_rules(None) == DEFAULT_RULES
    assert [rule.kind for rule in PUBLISHED_RULES] == list(Kind)


@pytest.mark.parametrize("kind", sorted(CONTEXT_KINDS))
@pytest.mark.parametrize("setting", ["enabled = true", "", "confirmed_valid_seconds = 259200"])
def test_kind_that_is_context_opens_once_the_file_has_a_table_for_it(
    tmp_path: Path, kind: Kind, setting: str
) -> None:
    rules = load_rules(write(tmp_path, f"[{kind}]\n{setting}\n"))

    assert published(kind) in rules
    assert [rule.kind for rule in rules] == [
        each for each in Kind if each is kind or each not in CONTEXT_KINDS
    ]


@pytest.mark.parametrize("kind", sorted(CONTEXT_KINDS))
def test_kind_that_is_context_stays_so_where_its_table_says_so(tmp_path: Path, kind: Kind) -> None:
    assert load_rules(write(tmp_path, f"[{kind}]\nenabled = false\n")) == DEFAULT_RULES


def test_what_a_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    path = write(tmp_path, "[ratio_stretch]\nwarning = 2.5\ncooldown_sessions = 3\n")

    assert load_rules(path) == (Rule(warning=2.5, cooldown_sessions=3), *DEFAULT_RULES[1:])
    assert load_rules(write(tmp_path, "")) == DEFAULT_RULES


def test_kind_that_is_switched_off_has_no_rule(tmp_path: Path) -> None:
    path = write(tmp_path, "[ratio_stretch]\nenabled = false\n[hedge_lost]\nenabled = true\nleave = 0.05\n")

    rules = load_rules(path)

    assert [rule.kind for rule in rules] == [rule.kind for rule in DEFAULT_RULES[1:]]
    assert replace(published(Kind.HEDGE_LOST), leave=0.05) in rules


def test_file_that_switches_every_kind_off_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"[{kind}]\nenabled = false\n" for kind in Kind))

    with pytest.raises(ConfigError, match="every kind is switched off; leave at least one enabled"):
        load_rules(path)


def test_whole_numbers_are_levels_and_the_longest_times_are_taken(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[ratio_stretch]\nwarning = 2\nhold_seconds = 31_536_000\ncooldown_sessions = 1_000\n",
    )

    rule = load_rules(path)[0]

    assert rule == Rule(warning=2.0, hold_seconds=31_536_000, cooldown_sessions=1_000)
    # The version is made of the texts of the numbers: 2 and 2.0 are one rule.
    assert rule.version == Rule(warning=2.0, hold_seconds=31_536_000, cooldown_sessions=1_000).version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ratio_stretch\n", "Expected ']'"),
        ("[other]\nwarning = 2\n", "[other] is no kind of divergence; known are ratio_stretch"),
        ("ratio_stretch = 3\n", "ratio_stretch must be a table, [ratio_stretch], was 3"),
        (
            "[ratio_stretch]\nwarn = 2\n",
            "[ratio_stretch] warn: is no field of this rule; known are enabled, warning, critical",
        ),
        ('[ratio_stretch]\nkind = "x"\n', "[ratio_stretch] kind: is no field of this rule"),
        ('[ratio_stretch]\nwarning = "high"\n', "[ratio_stretch] warning: Input should be a valid number"),
        (
            "[ratio_stretch]\nhold_seconds = 1.5\n",
            "[ratio_stretch] hold_seconds: Input should be a valid integer",
        ),
        (
            "[ratio_stretch]\nwarning = 5\n",
            "ratio_stretch: needs 0 <= leave < warning < critical, was 1.0, 5.0, 3.0",
        ),
        ("[ratio_stretch]\ncritical = nan\n", "ratio_stretch: needs 0 <= leave < warning < critical"),
        (
            "[ratio_stretch]\ncooldown_sessions = -1\n",
            "ratio_stretch: cooldown_sessions must not be negative, was -1",
        ),
        ("[ratio_stretch]\ncritical = inf\n", "ratio_stretch: critical must be finite, was inf"),
        ('[ratio_stretch]\nwarning = "2.5"\n', "[ratio_stretch] warning: Input should be a valid number"),
        ("[ratio_stretch]\nleave = true\n", "[ratio_stretch] leave: Input should be a valid number"),
        (
            "[ratio_stretch]\nhold_seconds = true\n",
            "[ratio_stretch] hold_seconds: Input should be a valid integer",
        ),
        (
            "[ratio_stretch]\nconfirmed_valid_seconds = 1000000000000\n",
            "ratio_stretch: confirmed_valid_seconds must not exceed 31536000, was 1000000000000",
        ),
        (
            "[ratio_stretch]\nhold_seconds = 31_536_001\n",
            "ratio_stretch: hold_seconds must not exceed 31536000, was 31536001",
        ),
        (
            "[ratio_stretch]\ncooldown_sessions = 1001\n",
            "ratio_stretch: cooldown_sessions must not exceed 1000, was 1001",
        ),
        ("[hedge_lost]\nhold_seconds = 5\n", "[hedge_lost] hold_seconds: is no field of this rule"),
        ("[correlation_break]\nmin_change = 2.5\n", "correlation_break: min_change must lie between 0 and 2"),
        ("[data_fault]\nenabled = 0\n", "[data_fault] enabled: must be true or false, was 0"),
        (f"[ratio_stretch]\nhold_seconds = {'9' * 5_000}\n", "Exceeds the limit"),
        (b"[ratio_stretch]\n# \xff\n", "must be UTF-8 text"),
    ],
)
def test_bad_file_is_reported_with_table_and_field(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_rules(path)

    assert str(caught.value).startswith(f"{path}: {said}")


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load_rules(tmp_path / "no.toml")
