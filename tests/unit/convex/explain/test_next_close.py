"""An early warning is recomputed from the log alone, in other arithmetic than the engine's."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from convex.explain.explanation import Explanation, explain
from convex.explain.kinds.next_close_lines import NAMES
from convex.explain.material import Bars, Material, Prices, Ticks, Titles
from convex.explain.next_close import quantile, student
from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.ticks import QuoteBatch
from tests.support.builders_market import LEAD, MINUTE, bar_batch, calendar, ny, pair, quotes
from tests.support.pair_story import Story, history, make_engine

COIN = "BTC/USD.TEST"
START = ny("2019-06-03 10:08")


def explained(event: DivergenceEvent, log: list[TickRecord], *, sampled: float | None = None) -> Explanation:
    bars = [bar for record in log if isinstance(record, BarBatch) for bar in record.bars]
    if sampled is not None:
        bars.append(
            replace(
                bars[0],
                session="2019-06-03",
                close=sampled,
                adj_close=sampled,
                known_at_ns=ny("2019-06-03 16:00"),
                source="sampled",
            )
        )
    lead, other = (_ticks(log, name, until_ns=parse_rfc3339(event.occurred_at)) for name in (LEAD, COIN))
    found = explain(
        Material(
            event=event,
            events="events",
            where="here",
            origin="",
            before=(),
            cooldown_sessions=5,
            titles=Titles(lead="Gold", other="IWM"),
            bars=Bars(source="the log", bars=tuple(bars)),
            prices=Prices(lead=lead, other=other),
        ),
        calendar=calendar(),
    )
    stated = {check.name for check in found.checks}
    assert {"probability", *NAMES} <= stated
    assert not found.unchecked
    return found


def _ticks(log: list[TickRecord], name: str, *, until_ns: int) -> Ticks:
    found = [
        (ts_ns, price)
        for record in log
        if isinstance(record, QuoteBatch) and record.instrument == name
        for ts_ns, price in zip(record.ts_event_ns.tolist(), record.bid.tolist(), strict=True)
        if ts_ns <= until_ns
    ]
    return Ticks(ts_ns=tuple(ts_ns for ts_ns, _ in found), price=tuple(price for _, price in found))


def require_comes_out(found: Explanation) -> None:
    assert [check for check in found.checks if not check.comes_out] == []
    assert found.working is not None
    assert [each.text for each in found.working.conclusions if not each.holds] == []


@pytest.mark.parametrize("z", [2.01, 3.4, -2.01, -3.4])
def test_an_opening_that_was_held_over_a_step_of_the_clock_comes_out(z: float) -> None:
    story = Story()
    story.ticks(START, START + 12 * MINUTE, z, every_ns=MINUTE)
    opened = story.events[0]
    assert opened.type is Transition.OPEN

    found = explained(opened, story.log)

    require_comes_out(found)
    assert found.working is not None
    assert "likely z" in found.working.conclusions[0].text


def test_an_escalation_and_a_withdrawal_come_out() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    for minute, z in enumerate((2.2, 3.1, 2.0, 0.8)):
        story.tick(START + minute * MINUTE, z)
    assert [event.type.value for event in story.events] == ["open", "escalated", "eased", "closed"]

    for event in story.events:
        require_comes_out(explained(event, story.log))


def test_a_warning_from_after_the_lead_s_close_comes_out() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick("2019-06-03 15:59", 1.995)
    close = story.engine.legs[LEAD].last_price.price
    story.reach("2019-06-03 16:01")
    (opened,) = story.tick("2019-06-03 16:02", 0.0)

    found = explained(opened, story.log, sampled=close)

    require_comes_out(found)
    assert opened.values["lead_to_come"] == 0.0


def test_a_warning_while_a_bar_is_missing_comes_out() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick("2019-06-03 15:59", 0.0)
    close = story.engine.legs[LEAD].last_price.price
    story.reach("2019-06-03 22:15")
    (opened,) = story.tick("2019-06-03 22:16", 2.1)

    require_comes_out(explained(opened, story.log, sampled=close))
    assert opened.values["other_to_come"] == 2.0


@pytest.mark.parametrize("coin_at", ["2019-06-03 09:10", "2019-06-03 10:01", "2019-06-02 19:00"])
def test_a_warning_with_both_legs_live_comes_out(coin_at: str) -> None:
    begin = calendar().index_of("2019-06-03")
    gold, coin = history(calendar().labels[begin - 100 : begin], other=COIN)
    engine = make_engine(pair(other=COIN), rule=Rule(hold_seconds=0))
    log: list[TickRecord] = [
        bar_batch(*gold, mode=BarsMode.HISTORY),
        bar_batch(*coin, mode=BarsMode.HISTORY),
        quotes({ny(coin_at): coin[-1].close * 0.99}, instrument=COIN),
        quotes({START: gold[-1].close * 1.05}),
    ]
    opened = [event for record in log for event in engine.apply(record).events]

    require_comes_out(explained(opened[0], log))


@pytest.mark.parametrize(
    ("field", "factor"), [("z_90_likely", 1.001), ("lead_to_come", 0.99), ("other_beta_60", 1.01)]
)
def test_a_number_that_was_changed_differs(field: str, factor: float) -> None:
    story = Story(rule=Rule(hold_seconds=0))
    (opened,) = story.tick(START, 2.2)
    changed = replace(opened, values=opened.values | {field: (opened.values[field] or 0.0) * factor})

    found = explained(changed, story.log)

    assert [check.name for check in found.checks if not check.comes_out] == [field]


def test_a_probability_that_was_changed_differs() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    (opened,) = story.tick(START, 2.2)

    found = explained(replace(opened, probability=0.95), story.log)

    assert [check.name for check in found.checks if not check.comes_out] == ["probability"]


def test_an_event_of_a_rule_without_a_probability_is_explained_by_its_z() -> None:
    """The log still holds the early warnings of the rules before."""
    story = Story(rule=Rule(hold_seconds=0))
    (opened,) = story.tick(START, 2.2)
    old = replace(
        opened,
        probability=None,
        values={name: value for name, value in opened.values.items() if name not in NAMES},
        thresholds={name: level for name, level in opened.thresholds.items() if name != "probability"},
    )
    bars = tuple(bar for record in story.log if isinstance(record, BarBatch) for bar in record.bars)

    found = explain(
        Material(
            event=old,
            events="events",
            where="here",
            origin="",
            before=(),
            cooldown_sessions=5,
            titles=Titles(lead="Gold", other="IWM"),
            bars=Bars(source="the log", bars=bars),
            prices=Prices(),
        ),
        calendar=calendar(),
    )

    require_comes_out(found)
    assert found.working is not None
    assert found.working.conclusions[0].text.startswith("z = ")


@pytest.mark.parametrize("t", [-30.0, -2.0, 0.0, 0.3, 5.0])
def test_closed_form_of_student_is_scipys(t: float) -> None:
    assert student(t) == pytest.approx(stats.t.cdf(t, 8), abs=1e-12)


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.99])
def test_quantile_by_halving_is_scipys(probability: float) -> None:
    assert quantile(probability) == pytest.approx(stats.t.ppf(probability, 8), abs=1e-9)
    assert math.isclose(student(quantile(probability)), probability, abs_tol=1e-12)
    assert np.sign(quantile(probability)) >= 0 or probability == 0.5
