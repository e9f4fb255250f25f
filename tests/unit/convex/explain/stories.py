"""A market small enough to work out by hand, and events about it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from convex.explain.market import Market
from convex.explain.material import Bars, Material, Prices, Titles
from shared.domain.bars import Bar
from shared.domain.divergences import Confirmation, DivergenceEvent, EvidenceInput
from tests.support.builders import divergence

LEAD, OTHER = "XAU/USD.REPLAY", "IWM.REPLAY"
_FIRST = date(2019, 1, 1)


def label(index: int) -> str:
    return (_FIRST + timedelta(days=index)).isoformat()


def bar(instrument: str, index: int, close: float) -> Bar:
    return Bar(
        instrument=instrument,
        session=label(index),
        close=close,
        adj_close=close,
        known_at_ns=(index + 1) * 10**9,
        source="replay",
    )


def market(lead: list[float], other: list[float], *, live: float | None = None) -> Market:
    """Return a market of these closes; the last is evaluated, or the live price of the lead after it."""
    a, b = np.array(lead), np.array(other)
    evaluated_lead = lead[-1] if live is None else live
    return Market(
        source="by hand",
        sessions=tuple(label(index) for index in range(len(lead))),
        lead=tuple(bar(LEAD, index, close) for index, close in enumerate(lead)),
        other=tuple(bar(OTHER, index, close) for index, close in enumerate(other)),
        log_ratios=tuple(np.log(a / b).tolist()),
        lead_returns=tuple(np.log(a[1:] / a[:-1]).tolist()),
        other_returns=tuple(np.log(b[1:] / b[:-1]).tolist()),
        evaluated_lead=evaluated_lead,
        evaluated_other=other[-1],
        evaluated=float(np.log(evaluated_lead / other[-1])),
        is_live=live is not None,
    )


def confirmed(**changes: Any) -> DivergenceEvent:
    """Return an event that a close decided."""
    fields: dict[str, Any] = {
        "confirmation": Confirmation.CONFIRMED,
        "occurred_at": "2019-04-02T00:15:00.000000Z",
        "thresholds": {"warning": 2.0, "critical": 3.0, "leave": 1.0, "hold_seconds": 300.0},
    }
    event = divergence(**fields | changes)
    sessions = tuple(EvidenceInput(instrument=instrument, session=label(90)) for instrument in (LEAD, OTHER))
    return _with_inputs(event, sessions)


def _with_inputs(event: DivergenceEvent, inputs: tuple[EvidenceInput, ...]) -> DivergenceEvent:
    return replace(event, evidence=replace(event.evidence, inputs=inputs))


def material(event: DivergenceEvent, **changes: Any) -> Material:
    fields: dict[str, Any] = {
        "event": event,
        "events": "events.jsonl",
        "where": "events.jsonl, line 1",
        "origin": "",
        "before": (),
        "cooldown_sessions": 5,
        "titles": Titles(lead="Gold", other="IWM"),
        "bars": Bars(source="by hand", bars=()),
        "prices": Prices(),
    }
    return Material(**fields | changes)
