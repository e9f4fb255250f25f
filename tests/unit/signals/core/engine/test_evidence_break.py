"""A pair with a baseline, whose legs begin to agree: the kind opens, escalates, eases and closes."""

from dataclasses import replace

import numpy as np
import pytest

from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.statistics.e_break import AgreementBand, e_break
from shared.domain.bars import BarsMode
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.pairs import Pair
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, calendar, ny, pair, status
from tests.support.pair_story import make_engine

SESSIONS = calendar("2018-01-02")
START = SESSIONS.index_of("2019-06-03")
BAND = AgreementBand(low=0.42, high=0.52)
WITH_BAND = replace(pair(), agreement_low=BAND.low, agreement_high=BAND.high)


class Closes:
    """An engine that is given the legs' log returns, close after close, after a history of 300 sessions."""

    def __init__(self, watched: Pair, kind: Kind = Kind.EVIDENCE_BREAK) -> None:
        rules = tuple(rule for rule in PUBLISHED_RULES if rule.kind is kind)
        self.returns = np.random.default_rng(4).normal(0, 0.01, (300, 2))
        self.engine = make_engine(watched, rules=rules, sessions=SESSIONS)
        self.at = START
        self.events: list[DivergenceEvent] = []
        closes = np.array([1_300.0, 150.0]) * np.exp(np.cumsum(self.returns, axis=0))
        labels = SESSIONS.labels[START - 300 : START]
        for leg, instrument in enumerate((LEAD, OTHER)):
            bars = [
                bar(s, float(c), instrument=instrument, known_at_ns=ny(f"{s} 20:15"))
                for s, c in zip(labels, closes[:, leg], strict=True)
            ]
            self.engine.apply(bar_batch(*bars, mode=BarsMode.HISTORY))
        self.prices = closes[-1]

    def close(self, lead: float, other: float) -> None:
        """Give the next session's closes, and event time up to 20:15."""
        session = SESSIONS.labels[self.at]
        self.at += 1
        self.returns = np.vstack((self.returns, (lead, other)))
        self.prices = self.prices * np.exp((lead, other))
        known_ns = ny(f"{session} 20:15")
        for instrument, price in zip((LEAD, OTHER), self.prices.tolist(), strict=True):
            record = bar_batch(bar(session, price, instrument=instrument, known_at_ns=known_ns))
            self.events += self.engine.apply(record).events
        self.events += self.engine.apply(status(known_ns)).events

    def expected(self) -> tuple[float, float]:
        """Return the evidence of both directions, from the returns as they were given."""
        found = e_break(self.returns[:, 0], self.returns[:, 1], BAND)
        assert found is not None
        return found.tightening, found.loosening


def transitions(story: Closes) -> list[tuple[Transition, Severity, Direction]]:
    return [(each.type, each.severity, each.direction) for each in story.events]


@pytest.mark.parametrize(("sign", "direction"), [(1.0, Direction.TIGHTENING), (-1.0, Direction.LOOSENING)])
def test_change_opens_escalates_eases_and_closes_in_its_direction(sign: float, direction: Direction) -> None:
    story = Closes(WITH_BAND)
    for move in (0.01, -0.01) * 12:
        story.close(move, sign * move)
    peak = len(story.events)
    for move in (0.01, -0.01) * 15:
        story.close(move, -sign * move)

    of_direction = [each for each in transitions(story) if each[2] is direction]
    assert of_direction == [
        (Transition.OPEN, Severity.WARNING, direction),
        (Transition.ESCALATED, Severity.CRITICAL, direction),
        (Transition.EASED, Severity.WARNING, direction),
        (Transition.CLOSED, Severity.WARNING, direction),
    ]
    assert transitions(story)[:2] == of_direction[:2]
    assert peak == 2


def test_event_states_the_evidence_of_both_directions_and_the_baseline() -> None:
    story = Closes(WITH_BAND)
    while not story.events:
        before = story.expected()
        move = 0.01 if story.at % 2 else -0.01
        story.close(move, move)
        assert story.at < START + 40

    (event,) = story.events
    tightening, loosening = story.expected()
    assert before[0] < 252 <= tightening
    assert event.values["e_tightening"] == pytest.approx(tightening, rel=1e-9)
    assert event.values["e_loosening"] == pytest.approx(loosening, rel=1e-9)
    assert event.values["e_break"] == pytest.approx(tightening + loosening, rel=1e-9)
    assert (event.values["agreement_low"], event.values["agreement_high"]) == (0.42, 0.52)
    assert event.thresholds == {"warning": 252.0, "critical": 2520.0, "leave": 20.0}
    assert event.confirmation is Confirmation.CONFIRMED


def test_pair_without_a_baseline_opens_none() -> None:
    story = Closes(pair())
    for move in (0.01, -0.01) * 15:
        story.close(move, move)

    assert story.events == []


@pytest.mark.parametrize("kind", [Kind.CORRELATION_BREAK, Kind.HEDGE_LOST])
def test_events_of_the_correlation_kinds_state_the_evidence_too(kind: Kind) -> None:
    story = Closes(WITH_BAND, kind)
    rng = np.random.default_rng(5)
    while not story.events:
        shock = float(rng.normal(0, 0.01))
        story.close(shock, shock + float(rng.normal(0, 0.002)))
        assert story.at < START + 70

    values = story.events[0].values
    assert values["e_break"] == pytest.approx(sum(story.expected()), rel=1e-9)
    assert (values["agreement_low"], values["agreement_high"]) == (0.42, 0.52)
