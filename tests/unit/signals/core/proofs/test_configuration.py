"""What changes the digest of the settings, and what does not."""

from dataclasses import replace
from datetime import time

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine_config import EngineConfig
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.proofs.configuration import configuration_digest
from shared.domain.closures import XNYS, Closures
from shared.domain.divergences import Kind
from tests.support.builders_market import calendar, pair

IWM, SPY = pair(), pair("gold-spy", other="SPY.TEST")
FIGURE = FalseAlarms(
    pair=IWM.name,
    kind=Kind.RATIO_STRETCH,
    rule_version=Rule().version,
    per_year=0.5,
    standard_error=0.01,
    block_length=1.0,
    paths=2,
    years=1,
    seed=1,
    first_session="2001-01-02",
    last_session="2008-12-31",
    returns=2_016,
)
CONFIG = EngineConfig(rules=(Rule(),), calendar=calendar(), code_version="1.0.0")


def figures(*known: FalseAlarms) -> EngineConfig:
    return replace(CONFIG, false_alarms={(each.pair, each.rule_version): each for each in known})


@pytest.mark.parametrize(
    "changed",
    [
        replace(CONFIG, rules=(Rule(warning=2.5),)),
        replace(CONFIG, rules_of_pair={SPY.name: (Rule(warning=2.5),)}),
        replace(CONFIG, rules=()),
        replace(CONFIG, code_version="1.0.1"),
        replace(
            CONFIG, calendar=calendar().with_closures(Closures(closed=frozenset({(XNYS, "2019-06-05")})))
        ),
        replace(CONFIG, calendar=calendar().with_closures(Closures(early={(XNYS, "2019-06-05"): time(13)}))),
        figures(FIGURE),
    ],
)
def test_every_setting_that_changes_an_event_changes_the_digest(changed: EngineConfig) -> None:
    assert configuration_digest((IWM, SPY), changed) != configuration_digest((IWM, SPY), CONFIG)


def test_a_pairs_own_settings_change_the_digest() -> None:
    known = configuration_digest((IWM, SPY), CONFIG)

    assert configuration_digest((IWM,), CONFIG) != known
    assert configuration_digest((IWM, replace(SPY, is_proxy=True)), CONFIG) != known


def test_what_changes_no_event_of_these_pairs_changes_no_digest() -> None:
    known = configuration_digest((IWM, SPY), CONFIG)

    assert configuration_digest((SPY, IWM), CONFIG) == known
    assert configuration_digest((IWM, SPY), replace(CONFIG, rules_of_pair={"gold-qqq": ()})) == known
    assert configuration_digest((IWM, SPY), replace(CONFIG, rules_of_pair={SPY.name: (Rule(),)})) == known
    assert configuration_digest((IWM, SPY), figures(replace(FIGURE, pair="gold-qqq"))) == known
