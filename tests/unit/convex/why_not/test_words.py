"""Each gate of each kind has its sentences, and none of them shows a hole."""

import pytest

from convex.why_not.gate import Answer, By, Gate
from convex.why_not.gate_words import GATE_WORDS, needed, why
from convex.why_not.statistic_words import compared, saw
from convex.why_not.wording import headline, unused_words
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import KINDS
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import Trigger, TriggerAt
from tests.support.builders_market import ny
from tests.unit.convex.why_not.markets import CALENDAR, GOLD_IWM, ask, closes, recent

_AT = ny("2019-06-03 10:00")
_FACTS = {
    "opened_at_ns": _AT,
    "opened_by": "ev_opened",
    "ended_at_ns": _AT,
    "ended_by": "ev_ended",
    "severity": "warning",
    "confirmation": "confirmed",
    "cooldown_sessions_left": 1,
    "held_since_ns": _AT,
    "hold_ends_at_ns": _AT + 1,
    "probability_now": 0.6,
    "price_age_seconds": 130.0,
    "regime": "RISK_OFF",
    "why": "IWM: missing_bar",
    "lead_close": 1300.0,
}


def made(kind: Kind, gate: Gate, by: By = By.CLOSE, **changes: object) -> Answer:
    fields: dict[str, object] = {
        "kind": kind,
        "direction": DIRECTIONS[kind][0],
        "by": by,
        "gate": gate,
        "rule": KINDS[kind].default_rule,
        "session": "2019-06-03",
        "values": dict.fromkeys(("z_90", "fisher_z", "corr_change", "corr_20"), 1.25),
        "x": 1.25,
        "facts": _FACTS,
    }
    return Answer(**(fields | changes))  # type: ignore[arg-type]  # checked by the dataclass's own use


@pytest.mark.parametrize("gate", Gate)
@pytest.mark.parametrize("kind", Kind)
def test_every_gate_of_every_kind_has_its_sentences(kind: Kind, gate: Gate) -> None:
    for by in (By.PRICE, By.CLOSE) if kind is Kind.RATIO_STRETCH else (By.CLOSE,):
        one = made(kind, gate, by)
        sentences = (GATE_WORDS[gate], why(one, GOLD_IWM), saw(one, GOLD_IWM))
        assert why(one, GOLD_IWM).endswith(".")
        assert not any("None" in each for each in (*sentences, needed(one, GOLD_IWM, present=1300.0)))


@pytest.mark.parametrize(
    ("x", "shown"), [(1.25, "+1.25"), (1.9996, "+1.9996"), (2.0, "+2.00"), (1.999999999, "1.999999999")]
)
def test_statistic_is_never_rounded_to_a_level_that_it_does_not_reach(x: float, shown: str) -> None:
    one = made(Kind.RATIO_STRETCH, Gate.BELOW_LEVEL, rule=Rule(warning=2.0), x=x)

    assert compared(one) == shown


def test_price_that_would_have_opened_it_is_compared_with_the_close_and_not_with_a_later_price() -> None:
    trigger = Trigger(
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_OFF,
        transition=Transition.OPEN,
        lead_price=1313.0,
        at=TriggerAt.CLOSE,
    )
    one = made(Kind.RATIO_STRETCH, Gate.BELOW_LEVEL, opens_at=(trigger,))

    assert needed(one, GOLD_IWM, present=900.0) == "Gold at or above 1,313.00 (+1.0%) at that close."


def test_negative_direction_names_the_level_with_its_sign() -> None:
    one = made(Kind.RATIO_STRETCH, Gate.BELOW_LEVEL, direction=Direction.RISK_ON, x=-1.25)

    assert why(one, GOLD_IWM) == "z_90 +1.25: it does not reach the level −2."


def test_reason_that_a_later_release_adds_is_shown_by_its_name() -> None:
    assert unused_words("bar_future_thing", 2) == "2 bars: bar future thing"


def test_headline_counts_each_gate_once() -> None:
    found = ask(CALENDAR.labels[250], recent(*closes(1, 256), live=8))
    line = headline(found)
    numbers = [int(part.split()[0]) for part in line.partition(": ")[2].split(", ") if part[0].isdigit()]
    opened = sum(answer.gate is Gate.OPENED for answer in found.answers)

    assert sum(numbers) + opened == sum(answer.kind is not Kind.DATA_FAULT for answer in found.answers)
