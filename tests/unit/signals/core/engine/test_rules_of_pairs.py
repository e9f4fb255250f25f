"""Pairs of one lead whose rules differ."""

from collections.abc import Mapping

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from shared.domain.divergences import Transition
from tests.support.builders_market import LEAD, calendar, pair
from tests.support.pair_story import Story, restored

STRICT, LOOSE = pair("gold-strict"), pair("gold-loose")
OWN: dict[str, tuple[Rule, ...]] = {
    "gold-strict": (Rule(warning=2.8),),
    "gold-loose": (Rule(warning=1.5, leave=0.5),),
}


def engine(own: Mapping[str, tuple[Rule, ...]] = OWN) -> LeadEngine:
    config = EngineConfig(rules=(Rule(),), rules_of_pair=own, calendar=calendar(), code_version="test")
    return LeadEngine(LEAD, (pair(), STRICT, LOOSE), config)


class Three(Story):
    """The log of one market, read by three pairs of the same legs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.engine = engine()
        for record in self.log:
            self.engine.apply(record)


def test_each_pair_is_decided_by_its_own_levels() -> None:
    story = Three()

    opened = {
        z: {event.pair: event for event in story.commit(session, z) if event.type is Transition.OPEN}
        for session, z in (("2019-06-03", 1.7), ("2019-06-04", 2.4), ("2019-06-05", 2.9))
    }

    assert {z: set(events) for z, events in opened.items()} == {
        1.7: {"gold-loose"},
        2.4: {"gold-iwm"},
        2.9: {"gold-strict"},
    }
    event = opened[2.9]["gold-strict"]
    assert event.thresholds["warning"] == 2.8
    assert event.evidence.rule_version == OWN["gold-strict"][0].version


def test_pairs_without_rules_of_their_own_share_the_settings_of_all() -> None:
    own = {"gold-strict": OWN["gold-strict"], "gold-loose": (Rule(warning=2.8),)}
    made = engine(own)
    first, strict, loose = (monitor.config for monitor in made.monitors)

    assert first is made.config
    # Equal rules are one object, however many pairs have them.
    assert strict is loose
    assert strict.code_version == made.config.code_version


def test_restart_with_other_levels_of_one_pair_changes_that_pair_alone() -> None:
    story = Three()
    story.commit("2019-06-03", 2.4)
    new = engine({**OWN, "gold-strict": (Rule(warning=2.2),)})

    story.engine = restored(story.engine, new)

    events = story.commit("2019-06-04", 2.4)
    assert [(event.pair, event.type) for event in events] == [("gold-strict", Transition.OPEN)]
