"""A report of any history is whole: a short one, one without an event, one of twenty years."""

import re
from dataclasses import replace

import pytest

from convex.backtesting.replay import Replayed
from convex.backtesting.report.page import report_bytes
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, PUBLISHED_RULES
from shared.domain.divergences import Kind
from tests.support.report_builder import PAIR, made_up
from tests.unit.convex.backtesting.report.test_page import checked

_MOST_BYTES = 3_000_000


def page_of(replayed: Replayed, rules: tuple[Rule, ...] = PUBLISHED_RULES) -> str:
    page = report_bytes(replayed, pair=PAIR, rules=rules).decode()
    checked(page)
    # "None." and "None opened." are words.
    assert not re.search(r"\b(nan|inf|None(?!\.| opened))\b", page.partition("</style>")[2])
    return page


def test_short_history_without_an_event_has_no_empty_axis() -> None:
    page = page_of(made_up(60, kinds=()))

    # The legs and their ratio; no statistic is defined yet.
    assert page.count('<div class="panel" ') == 2
    assert "The z-score needs 91 sessions" in page
    assert "no window is full" in page
    assert "there are fewer" in page
    assert "Nothing opened." in page
    assert "No opening is five sessions old" in page


@pytest.mark.parametrize("count", [1, 2, 21, 91, 253])
def test_history_of_any_length_is_whole(count: int) -> None:
    page_of(made_up(count, kinds=()))


def test_no_session_at_all_is_said() -> None:
    assert "There is no session that both legs have" in page_of(Replayed())


def test_long_history_without_an_event_says_that_nothing_opened() -> None:
    page = page_of(made_up(800, kinds=()))

    assert "these rules sent no alert." in page
    assert "Nothing opened." in page
    assert "No opening is old enough to say what followed." in page


def test_kind_that_is_switched_off_has_no_lane_and_no_verdict() -> None:
    rules = tuple(rule for rule in DEFAULT_RULES if rule.kind is not Kind.HEDGE_LOST)

    page = page_of(made_up(800, kinds=(Kind.RATIO_STRETCH,)), rules)

    assert "switched off" in page
    assert '<div class="lane">Hedge lost</div>' not in page
    assert '<div class="lane">Correlation break</div>' in page


def test_run_of_ticks_without_bars_of_its_own_is_whole() -> None:
    replayed = replace(made_up(120, kinds=(Kind.RATIO_STRETCH,)), every_bar=None, ticks=1_000_000)

    page = page_of(replayed)

    assert "the data were not checked" in page
    assert 'id="hedge"' not in page


def test_history_before_the_first_decision_has_lines_but_no_interval() -> None:
    replayed = made_up(400, kinds=())
    evaluated = dict(list(replayed.values.items())[300:])

    page = page_of(replace(replayed, values=evaluated))

    assert "400 sessions, in 100 of which a divergence could open" in page
    (band,) = re.findall(r'<polygon class="interval" points="([^"]+)"', page)
    assert min(float(point.split(",")[0]) for point in band.split()) >= 750.0


def test_twenty_years_are_at_most_three_megabytes() -> None:
    replayed = made_up(5_040)

    page = report_bytes(replayed, pair=PAIR, rules=PUBLISHED_RULES)

    assert len(replayed.events) > 200
    assert len(page) <= _MOST_BYTES
    # Nor does a line have more points than the page has pixels for.
    assert max(points.count(",") for points in re.findall(r'points="([^"]+)"', page.decode())) <= 4 * 720


def test_numbers_of_divergences_that_have_no_room_are_left_out_at_that_width() -> None:
    page = page_of(made_up(2_000, kinds=(Kind.RATIO_STRETCH,), every=8))

    widths = re.findall(r'<a class="opened \w+ ([\w ]+)" href="#ratio_stretch-\d+"', page)
    counts = [sum(name in each for each in widths) for name in ("wide", "medium", "narrow")]
    assert counts[0] > counts[1] > counts[2] > 3
