"""Made up results of backtests, of any length, for reports: replaying twenty years would take minutes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convex.backtesting.outcomes import EveryBar
from convex.backtesting.replay import Replayed
from convex.backtesting.stats_csv import COLUMNS, stats_row
from services.signals.core.confirmed import Values
from shared.calendars import xnys_calendar
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Evidence,
    EvidenceInput,
    Kind,
    Severity,
    Significance,
    Transition,
)
from shared.domain.instants import format_rfc3339
from shared.domain.kinds import DIRECTIONS
from shared.pairs.loading import load_pairs
from tests.support.builders import divergence
from tests.support.builders_market import bar, ny

PAIR = load_pairs("replay")[0]

_OWN = ("session", "gold", "iwm", "regime")
_ROLES = {"vol_gold_20": "vol_lead_20", "vol_iwm_20": "vol_other_20"}


def made_up(
    count: int,
    *,
    kinds: Sequence[Kind] = tuple(Kind),
    every: int = 40,
    first: str = "2001-01-02",
    seed: int = 11,
) -> Replayed:
    """Return a result over ``count`` sessions in which a kind opens every so many sessions.

    Parameters
    ----------
    kinds
        Those that open, one after the other, in both directions; none gives no event.
    """
    rng = np.random.default_rng(seed)
    calendar = xnys_calendar()
    begin = calendar.labels.index(first)
    labels = calendar.labels[begin : begin + count]
    lead = 400.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.009, count)))
    other = 60.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.013, count)))
    adjusted = other * np.linspace(0.8, 1.0, count)
    bars = EveryBar(PAIR.lead, PAIR.other)
    replayed = Replayed(every_bar=bars, bars=2 * count)
    z = np.cumsum(rng.normal(0.0, 0.4, count))
    z = 3.0 * np.sin(z / 3.0)
    for at, label in enumerate(labels):
        closes = (float(lead[at]), float(other[at]))
        bars.put(
            (
                bar(label, closes[0], instrument=PAIR.lead),
                bar(label, closes[1], instrument=PAIR.other, adj_close=float(adjusted[at])),
            )
        )
        values: Values = {
            _ROLES.get(name, name): float(rng.uniform(-0.9, 0.9)) if at >= 60 else None
            for name in COLUMNS
            if name not in _OWN
        }
        values |= {
            "log_ratio": float(np.log(lead[at] / adjusted[at])),
            "z_90": float(z[at]) if at >= 90 else None,
            "corr_ci_60_low": -0.5 if at >= 60 else None,
            "corr_ci_60_high": 0.5 if at >= 60 else None,
        }
        replayed.values[label] = values
        regime = ("RISK_OFF", "NEUTRAL", "RISK_ON")[at // 30 % 3] if at >= 90 else None
        replayed.rows.append(stats_row(label, lead=closes[0], other=closes[1], values=values, regime=regime))
    replayed.events += _events(labels, kinds, every) if kinds else []
    replayed.outcomes = bars.outcomes_of(replayed.events, calendar=calendar)
    return replayed


def _events(labels: Sequence[str], kinds: Sequence[Kind], every: int) -> list[DivergenceEvent]:
    events: list[DivergenceEvent] = []
    for number, at in enumerate(range(every // 2, len(labels) - 4, every)):
        kind = kinds[number % len(kinds)]
        direction = DIRECTIONS[kind][number // len(kinds) % len(DIRECTIONS[kind])]
        opened = _event(labels[at], kind, direction, Transition.OPEN, number)
        events.append(opened)
        if kind is not Kind.REGIME_CHANGE:
            if number % 3 == 0 and kind.is_market:
                events.append(_event(labels[at + 1], kind, direction, Transition.ESCALATED, number))
            events.append(_event(labels[at + 3], kind, direction, Transition.CLOSED, number))
    return [replace(event, sequence=place) for place, event in enumerate(events, 1)]


def _event(
    session: str, kind: Kind, direction: Direction, transition: Transition, number: int
) -> DivergenceEvent:
    at = ny(f"{session} 20:15")
    source = EvidenceInput(instrument=PAIR.lead, session=session, ts_event_ns=None)
    estimate = Estimate(value=-0.71, low=-0.88, high=-0.37)
    return divergence(
        type=transition,
        kind=kind,
        direction=direction,
        divergence_id=f"dv_{number:032x}",
        occurrence=1,
        occurred_at=format_rfc3339(at),
        opened_at=format_rfc3339(at),
        severity=Severity.CRITICAL if transition is Transition.ESCALATED else Severity.WARNING,
        confirmation=Confirmation.CONFIRMED,
        values={
            "z_90": 2.4 if direction is DIRECTIONS[kind][0] else -2.4,
            "fisher_z": -2.7,
            "regime": 1.0 if direction is Direction.RISK_OFF else -1.0,
            "regime_before": 0.0,
        },
        significance=Significance(
            correlation=estimate if kind is Kind.CORRELATION_BREAK else None,
            effective_size=19.4 if kind is Kind.CORRELATION_BREAK else None,
            false_alarms_per_year=0.96,
        ),
        evidence=Evidence(inputs=(source,), window_sha256="", rule_version="r", code_version="c"),
    )
