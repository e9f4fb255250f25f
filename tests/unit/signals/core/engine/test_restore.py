"""A frozen pair takes nothing in until the log has come to where it was."""

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.data_quality import DataQuality
from services.signals.core.pairs.pair_state import PairState, dump_pair
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarsMode
from shared.domain.ticks import FeedState
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    ny,
    pair,
    quotes,
    status,
)
from tests.support.pair_story import Story, make_engine

SPY = pair("gold-spy", other="SPY.TEST")
CLOSE = ny("2019-06-03 16:00")


def restored(story: Story, *, until: int = 10) -> RestoredEngine:
    """Return the engine of the story with its pair frozen, and a new pair beside it."""
    return RestoredEngine(
        make_engine(pair(), SPY, rules=PUBLISHED_RULES),
        dump_lead(story.engine),
        [dump_pair(story.monitor, story.engine.waiting)],
        frozen={"gold-iwm": until},
        is_from_beginning=False,
    )


def told_everything(engine: LeadEngine) -> list[str]:
    """Tell what makes a pair speak and a leg fail; return which pairs spoke."""
    other, gold = 150.0, 1_300.0
    log: list[TickRecord] = [
        quotes({ny("2019-06-03 10:00"): other}, instrument=OTHER),
        *(quotes({ny("2019-06-03 10:00") + n * SECOND: other * 9}, instrument=OTHER) for n in range(1, 3)),
        status(ny("2019-06-03 10:01"), state=FeedState.STALE, instrument=OTHER),
        status(ny("2019-06-03 15:59"), state=FeedState.STALE, instrument=OTHER),
        quotes({CLOSE - 5 * MINUTE: other}, instrument=OTHER),
        quotes({CLOSE - SECOND: gold}),
        status(CLOSE + SECOND),
        bar_batch(bar("2019-06-03", 100.0)),
        bar_batch(bar("2019-05-31", 100.0), mode=BarsMode.HISTORY),
        status(ny("2019-06-04 23:00")),
    ]
    return [event.pair for record in log for event in engine.apply(record).events]


def own(engine: LeadEngine) -> PairState:
    return dump_pair(engine.monitors[0], engine.waiting)


def test_frozen_pair_and_its_leg_take_in_nothing_but_prices() -> None:
    frozen = restored(Story(rules=PUBLISHED_RULES))
    before = own(frozen.engine)

    assert set(told_everything(frozen.engine)) == {"gold-spy"}
    assert own(frozen.engine) == before
    assert frozen.engine.monitors[0].legs.other.data_quality == DataQuality()
    # The lead's record has the price, as of the record before the thaw.
    assert frozen.engine.monitors[0].legs.other.last_price.price == 150.0
    assert "gold-iwm" not in frozen.engine.dirty


def test_the_same_is_reported_to_a_pair_that_is_not_frozen() -> None:
    """The test above says nothing if the log is quiet."""
    thawed = restored(Story(rules=PUBLISHED_RULES), until=-1)
    thawed.thaw_before(0)
    before = own(thawed.engine)

    assert "gold-iwm" in told_everything(thawed.engine)
    assert own(thawed.engine) != before


def test_pair_is_thawed_before_the_first_record_after_its_own() -> None:
    frozen = restored(Story(rules=PUBLISHED_RULES), until=10)
    engine = frozen.engine

    frozen.thaw_before(10)
    assert (engine.frozen, engine.is_frozen(OTHER)) == (frozenset({"gold-iwm"}), True)
    frozen.thaw_before(11)
    assert (engine.frozen, engine.is_frozen(OTHER)) == (frozenset(), False)


def test_bar_that_a_frozen_pair_waits_for_waits_with_it() -> None:
    story = Story(rules=PUBLISHED_RULES)
    story.reach("2019-06-03 17:00")
    story.take(bar_batch(bar("2019-06-03", 151.0)))
    assert len(story.engine.waiting) == 1

    frozen = restored(story)
    assert frozen.engine.waiting == []
    frozen.engine.apply(status(ny("2019-06-03 20:16")))
    frozen.thaw_before(11)
    assert [each.session for each in frozen.engine.waiting] == ["2019-06-03"]
    frozen.engine.apply(status(ny("2019-06-03 20:17")))
    assert frozen.engine.monitors[0].legs.other.history.newest_session == "2019-06-03"


def test_close_that_is_sampled_for_a_frozen_pair_does_not_reach_it() -> None:
    bitcoin = pair("gold-btc", other="BTC/USD.TEST")
    before = make_engine(bitcoin, rules=PUBLISHED_RULES)
    frozen = RestoredEngine(
        make_engine(bitcoin, SPY, rules=PUBLISHED_RULES),
        dump_lead(before),
        [dump_pair(before.monitors[0], before.waiting)],
        frozen={"gold-btc": 10},
        is_from_beginning=False,
    )
    was = own(frozen.engine)

    for record in (
        quotes({CLOSE - MINUTE: 1_300.0}),
        quotes({CLOSE - SECOND: 40_000.0}, instrument="BTC/USD.TEST"),
        status(CLOSE + SECOND),
    ):
        frozen.engine.apply(record)

    assert frozen.engine.legs["BTC/USD.TEST"].last_price.price == 40_000.0
    assert own(frozen.engine) == was


def test_from_the_beginning_only_the_lead_s_bars_are_known() -> None:
    story = Story(rules=PUBLISHED_RULES)
    story.tick("2019-06-03 10:00", 0.5)
    engine = RestoredEngine(
        make_engine(pair(), SPY, rules=PUBLISHED_RULES),
        dump_lead(story.engine),
        [],
        frozen={},
        is_from_beginning=True,
    ).engine

    assert len(engine.legs[LEAD].history) == len(story.monitor.legs.lead.history)
    assert (engine.progress.watermark_ns, engine.legs[LEAD].last_price.price, engine.waiting) == (0, None, [])
    assert engine.dirty == {"gold-iwm", "gold-spy"}


def test_price_of_a_leg_that_no_pair_has_any_more_is_forgotten() -> None:
    story = Story(rules=PUBLISHED_RULES)
    story.take(quotes({ny("2019-06-03 10:00"): 150.0}, instrument=OTHER))
    engine = RestoredEngine(
        make_engine(SPY, rules=PUBLISHED_RULES),
        dump_lead(story.engine),
        [],
        frozen={},
        is_from_beginning=False,
    ).engine

    assert engine.legs.keys() == {LEAD, "SPY.TEST"}
    assert engine.progress.watermark_ns == ny("2019-06-03 10:00")


def test_pair_without_a_known_lead_keeps_its_own_bars() -> None:
    """The lead's checkpoint may be lost: then the log gives its bars again."""
    story = Story(rules=PUBLISHED_RULES)
    engine = RestoredEngine(
        make_engine(pair(), SPY, rules=PUBLISHED_RULES),
        None,
        [dump_pair(story.monitor, story.engine.waiting)],
        frozen={},
        is_from_beginning=True,
    ).engine

    assert len(engine.legs[LEAD].history) == 0
    assert engine.legs[OTHER].history.sessions == story.monitor.legs.other.history.sessions
    assert engine.progress.watermark_ns == 0


def test_records_after_the_last_thaw_change_nothing_that_was_restored() -> None:
    thawed = restored(Story(rules=PUBLISHED_RULES), until=10)
    thawed.thaw_before(11)
    before = own(thawed.engine)

    thawed.thaw_before(12)
    thawed.thaw_before(5)

    assert own(thawed.engine) == before
    assert thawed.engine.frozen == frozenset()
