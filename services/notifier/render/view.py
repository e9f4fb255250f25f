"""What a message says, as plain text for both its forms: sentences, tables and a scale."""

import math
from dataclasses import dataclass
from typing import Final

from services.notifier.render.story import confirmation, headline_of, story, subject
from services.notifier.render.wording import (
    duration,
    estimate,
    instant,
    limit_in_words,
    number,
    pair_titles,
    percent,
)
from shared.domain.divergences import DivergenceEvent, Transition

# The statistic each kind is judged by.
_STATISTIC: Final = {"ratio_stretch": "z_90"}
# Ends of the drawn scale, in standard deviations; what lies beyond is drawn at the end.
_SCALE_END: Final = 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """One leg's price and how old it is."""

    name: str
    instrument: str
    price: str
    age: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One part of the scale, in percent of its width."""

    width: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a message shows.

    Parameters
    ----------
    tone
        ``warning``, ``critical`` or ``calm``.
    marker
        Where the statistic lies on the scale, in percent of its width; None where there is none to show.
    """

    subject: str
    is_simulated: bool
    badge: str
    tone: str
    headline: str
    story: tuple[str, ...]
    marker: float | None
    bands: tuple[Band, ...]
    scale_end: str
    facts: tuple[Row, ...]
    times: tuple[Row, ...]
    legs: tuple[LegRow, ...]
    hedge: tuple[Row, ...]
    evidence: tuple[Row, ...]
    link: str | None


def view_of(event: DivergenceEvent, *, public_url: str) -> View:
    """Return what a message about an event says."""
    lead, other = pair_titles(event)
    z = event.values.get(_STATISTIC.get(event.kind, ""))
    is_simulated = any(leg.instrument.endswith(".SIMULATED") for leg in event.legs)
    headline = headline_of(event, lead, other)
    path = next(iter(event.links.values()), None)
    return View(
        subject=subject(event, headline, z, is_simulated=is_simulated),
        is_simulated=is_simulated,
        badge=_badge(event),
        tone="calm" if event.type.is_final or event.type is Transition.TEST else event.severity.value,
        headline=headline,
        story=(*story(event, lead, other), confirmation(event, lead, other)),
        marker=_place(z) if z is not None and math.isfinite(z) else None,
        bands=_bands(event.thresholds),
        scale_end=number(_SCALE_END, decimals=1),
        facts=_facts(event, z, lead, other),
        times=_times(event),
        legs=tuple(
            LegRow(
                name=name,
                instrument=leg.instrument,
                price=number(leg.price),
                age=duration(leg.age_seconds),
                source=leg.source,
            )
            for name, leg in zip((lead, other, *[""] * len(event.legs)), event.legs, strict=False)
        ),
        hedge=_hedge(event, lead, other),
        evidence=_evidence(event),
        link=public_url.rstrip("/") + path if path is not None else None,
    )


def _badge(event: DivergenceEvent) -> str:
    if event.type is Transition.TEST:
        return "test"
    return f"{event.severity.value} · {event.confirmation.value}"


def _facts(event: DivergenceEvent, z: float | None, lead: str, other: str) -> tuple[Row, ...]:
    if event.type is Transition.TEST and not event.values:
        return ()
    ratio, mean = event.values.get("log_ratio"), event.values.get("mean_90")
    gap = _gap(ratio, mean)
    rows = [
        Row(
            name="z-score, 90 sessions",
            value=number(z, is_signed=True),
            note=" · ".join(limit_in_words(name, limit) for name, limit in event.thresholds.items()),
        ),
        Row(
            name=f"{lead}/{other} against its average",
            value=percent(gap, is_signed=True),
            note="of the 90 sessions before",
        ),
        Row(
            name="Percentile, 90 sessions",
            value=percent(event.values.get("pctl_90")),
            note="share of sessions with a lower ratio",
        ),
    ]
    rows += [
        Row(name=f"Correlation, {name.removeprefix('corr_')} sessions", value=number(value, is_signed=True))
        for name, value in event.values.items()
        if name.startswith("corr_") and name.removeprefix("corr_").isdigit()
    ]
    return tuple(rows)


def _gap(ratio: float | None, mean: float | None) -> float | None:
    # Nobody's ratio is e to the hundred; a number that big is a fault, and a message is no place to crash.
    if ratio is None or mean is None or abs(ratio - mean) > 100:
        return None
    return math.exp(ratio - mean) - 1


def _hedge(event: DivergenceEvent, lead: str, other: str) -> tuple[Row, ...]:
    hedge = event.hedge
    if event.type is Transition.TEST and all(
        each.value is None for each in (hedge.ratio, hedge.beta, hedge.effectiveness, hedge.stress_corr)
    ):
        return ()
    return (
        Row(
            name="Hedge ratio",
            value=estimate(hedge.ratio),
            note=f"{lead} per unit of {other} that makes the pair swing least",
        ),
        Row(
            name="Beta",
            value=estimate(hedge.beta),
            note=f"how far {lead} moves when {other} moves by one",
        ),
        Row(
            name="Hedge effectiveness",
            value=estimate(hedge.effectiveness, is_share=True),
            note=f"share of {other}'s variance that the hedge took away, out of sample",
        ),
        Row(
            name="Correlation in stress",
            value=estimate(hedge.stress_corr),
            note=f"in the sessions in which {other} fell most",
        ),
    )


def _times(event: DivergenceEvent) -> tuple[Row, ...]:
    return (
        Row(name="Opened", value=instant(event.opened_at)),
        Row(name="As of", value=instant(event.occurred_at)),
        Row(name="Valid until", value=instant(event.not_after)),
    )


def _evidence(event: DivergenceEvent) -> tuple[Row, ...]:
    inputs = ", ".join(
        f"{each.instrument} {each.session or each.ts_event_ns or ''}".strip()
        for each in event.evidence.inputs
    )
    return (
        Row(name="Event", value=event.event_id),
        Row(name="Divergence", value=event.divergence_id),
        Row(name="Sequence", value=f"{event.pair} {event.sequence}"),
        Row(name="Decided by", value=inputs),
        Row(name="Window", value=event.evidence.window_sha256),
        Row(name="Rule", value=event.evidence.rule_version),
        Row(name="Code", value=event.evidence.code_version),
    )


def _place(z: float) -> float:
    share = (max(-_SCALE_END, min(_SCALE_END, z)) + _SCALE_END) / (2 * _SCALE_END)
    return round(100 * share, 1)


def _bands(thresholds: dict[str, float]) -> tuple[Band, ...]:
    warning, critical = thresholds.get("warning"), thresholds.get("critical")
    if warning is None or critical is None or not 0 < warning < critical < _SCALE_END:
        return (Band(width=100.0, tone="calm"),)
    unit = 100 / (2 * _SCALE_END)
    outer = Band(width=round((_SCALE_END - critical) * unit, 1), tone="critical")
    inner = Band(width=round((critical - warning) * unit, 1), tone="warning")
    return (outer, inner, Band(width=round(2 * warning * unit, 1), tone="calm"), inner, outer)
