"""``docs/divergences.md`` leaves out no kind, reason or level, and its counts are what the backtest finds."""

import re
from collections import Counter
from pathlib import Path

import pytest

from convex.backtesting.replay import replay
from services.signals.core.kinds.registry import LEVEL_KINDS, PUBLISHED_RULES
from services.signals.core.legs.data_quality import Cause
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SUPPRESSED
from shared.calendars import xnys_calendar
from shared.domain.divergences import Direction, Kind, Transition
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from shared.text.chance import format_rate
from tests.support.data import shared_data

_DOCS = Path(__file__).parents[3] / "docs"
_TEXT = (_DOCS / "divergences.md").read_text(encoding="utf-8")
_PICTURES = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", _TEXT)
_OVERVIEW, _REST = _TEXT.split("## How noisy is it?")
_BY_YEAR, _BY_CHANCE = _REST.split("### As often by chance?")


def row_of(kind: Kind, text: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if re.match(rf"\| \[?`{kind.value}`", line)]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_section_and_a_picture(kind: Kind) -> None:
    assert f"\n## {kind.value}\n" in _TEXT
    assert f"images/divergences/{kind.value.replace('_', '-')}.png" in _PICTURES


@pytest.mark.parametrize("picture", _PICTURES)
def test_every_picture_is_there_and_small(picture: str) -> None:
    assert (_DOCS / picture).stat().st_size < 60_000


@pytest.mark.parametrize(
    "word",
    [
        *SUPPRESSED,
        *(cause.value for cause in Cause),
        *(each.value for each in Transition if each is not Transition.TEST),
        *(each.value for each in Direction),
    ],
)
def test_every_reason_cause_transition_and_direction_is_there(word: str) -> None:
    assert f"`{word}`" in _TEXT


@pytest.mark.parametrize("kind", LEVEL_KINDS)
def test_levels_of_the_overview_are_the_published_ones(kind: Kind) -> None:
    rule = next(rule for rule in PUBLISHED_RULES if rule.kind is kind)
    _, _, opens, closes, _ = row_of(kind, _OVERVIEW.replace("&#124;", "'"))

    said = {float(each) for each in re.findall(r"[≥>] ([\d.]+)", opens)}
    assert said == {rule.warning, rule.critical}
    assert float(closes.rpartition(" ")[2]) == rule.leave


def test_counts_are_what_the_backtest_finds() -> None:
    recording = Recording(
        lead_files=(shared_data("pair_gold_daily_20121114_20210331.csv"),),
        other_files=(shared_data("pair_iwm_daily_20121114_20210331.csv"),),
    )
    replayed = replay(
        recording,
        pair=load_pairs("replay")[0],
        rules=PUBLISHED_RULES,
        calendar=xnys_calendar(),
        code_version="test",
    )
    found: Counter[tuple[Kind, str]] = Counter()
    for event in replayed.events:
        if event.type is Transition.OPEN:
            found[event.kind, (event.evidence.inputs[0].session or "")[:4]] += 1

    years = [str(year) for year in range(2012, 2022)]
    for kind in Kind:
        counts = [found[kind, year] for year in years]
        assert row_of(kind, _BY_YEAR)[1:12] == [str(each) for each in (*counts, sum(counts))]
    assert f"{len(replayed.rows):,} sessions" in _TEXT
    assert replayed.suppressed == {"cooldown": 5}


def test_rates_by_chance_are_those_that_events_state() -> None:
    shipped = {
        figure.kind: figure for (pair, _), figure in load_false_alarms(None).items() if pair == "gold-iwm"
    }

    assert set(shipped) == {kind for kind in Kind if kind.is_market}
    for kind, figure in shipped.items():
        assert figure.interval is not None
        ends = " to ".join(map(format_rate, (figure.interval.low, figure.interval.high)))
        assert row_of(kind, _BY_CHANCE)[3] == f"{format_rate(figure.per_year)} ({ends})"
