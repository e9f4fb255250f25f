"""The tables that every message has, whatever its kind: prices, times, the hedge, the evidence."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from services.notifier.render.telling import Row, estimate_row
from services.notifier.render.wording import NO_INTERVAL, number, percent
from shared.domain.divergences import DivergenceEvent, Estimate, Hedge, Transition
from shared.text.durations import format_duration
from shared.text.instants import format_instant_in_words
from shared.text.numbers import format_price


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """One leg's price and how old it is."""

    name: str
    instrument: str
    price: str
    age: str
    source: str


def leg_rows(event: DivergenceEvent, lead: str, other: str) -> tuple[LegRow, ...]:
    """Return the legs' prices, the lead first."""
    return tuple(
        LegRow(
            name=name,
            instrument=leg.instrument,
            price=format_price(leg.price),
            age=format_duration(leg.age_seconds),
            source=leg.source,
        )
        for name, leg in zip((lead, other, *[""] * len(event.legs)), event.legs, strict=False)
    )


def hedge_rows(event: DivergenceEvent, lead: str, other: str) -> tuple[Row, ...]:
    """Return the hedge answer; none for a fault of the data, and for a test that carries none."""
    hedge = event.hedge
    is_known = any(getattr(hedge, each.name).value is not None for each in fields(Hedge))
    if not event.kind.is_market or (event.type is Transition.TEST and not is_known):
        return ()
    return (
        _hedge_row(
            "Hedge ratio",
            hedge.ratio,
            note=f"units of {lead} per unit of {other} that make the two swing least; least squares",
        ),
        _hedge_row(
            "Hedge ratio, total",
            hedge.ratio_tls,
            note="the same where both legs' moves are noisy; total least squares",
        ),
        _hedge_row(
            "Hedge ratio, now",
            hedge.ratio_kalman,
            note="the same as it drifts; Kalman filter",
        ),
        _hedge_row(
            "Beta",
            hedge.beta,
            note=f"how far {lead} moves when {other} moves by one",
        ),
        _hedge_row(
            "Hedge effectiveness",
            hedge.effectiveness,
            show=percent,
            note=f"share of {other}'s variance that the hedge took away, out of sample",
        ),
        _hedge_row(
            "Correlation in stress",
            hedge.stress_corr,
            note=f"in the sessions in which {other} fell most",
        ),
    )


def _hedge_row(name: str, value: Estimate, *, note: str, show: Callable[[float | None], str] = number) -> Row:
    row = estimate_row(name, value, note=note, show=show)
    # As of an orthogonal line that may as well stand upright: the value alone would look like a sure one.
    return row if value.value is None or row.interval else replace(row, interval=NO_INTERVAL)


def time_rows(event: DivergenceEvent) -> tuple[Row, ...]:
    """Return when it opened, as of when it is told, and until when it is worth telling."""
    until = Row(name="Valid until", value=format_instant_in_words(event.not_after))
    if event.is_instant and event.type is not Transition.TEST:
        return (Row(name="Happened", value=format_instant_in_words(event.occurred_at)), until)
    return (
        Row(name="Opened", value=format_instant_in_words(event.opened_at)),
        Row(name="As of", value=format_instant_in_words(event.occurred_at)),
        until,
    )


def evidence_rows(event: DivergenceEvent) -> tuple[Row, ...]:
    """Return what is needed to find the event, and to recompute it from the log."""
    inputs = ", ".join(
        f"{each.instrument} {each.session or each.ts_event_ns or ''}".strip()
        for each in event.evidence.inputs
    )
    rows = (
        Row(name="Event", value=event.event_id),
        Row(name="Divergence", value=event.divergence_id),
        Row(name="Sequence", value=f"{event.pair} {event.sequence}"),
        Row(name="Decided by", value=inputs),
        Row(name="Window", value=event.evidence.window_sha256),
        Row(name="Rule", value=event.evidence.rule_version),
        Row(name="Code", value=event.evidence.code_version),
    )
    return tuple(row for row in rows if row.value)
