"""The tables of a message: the statistics that decided, prices, times, the hedge, the evidence."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from services.notifier.render.wording import NO_INTERVAL, log_return, number, percent, signed
from shared.domain.divergences import DivergenceEvent, Estimate, Hedge, Transition
from shared.text.durations import format_duration
from shared.text.early_warnings import format_probability
from shared.text.instants import format_instant_in_words
from shared.text.numbers import format_interval, format_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table.

    Parameters
    ----------
    interval
        The 95% interval of an estimate; empty for anything else.
    """

    name: str
    value: str
    interval: str = ""
    note: str = ""


def estimate_row(
    name: str, value: Estimate, *, note: str = "", show: Callable[[float | None], str] = number
) -> Row:
    """Return the line of a number with its interval."""
    return Row(name=name, value=show(value.value), interval=format_interval(value, show), note=note)


def correlation_row(event: DivergenceEvent, window: int) -> Row:
    """Return the correlation of the last ``window`` sessions, with its interval where it is known."""
    low, high = (event.values.get(f"corr_ci_{window}_{end}") for end in ("low", "high"))
    size = event.values.get(f"n_eff_{window}")
    return estimate_row(
        f"Correlation, {window} sessions",
        Estimate(value=event.values.get(f"corr_{window}"), low=low, high=high),
        note="" if size is None else f"worth {number(size, 0)} independent sessions",
        show=signed,
    )


def correlation_rows(event: DivergenceEvent) -> tuple[Row, ...]:
    """Return every correlation that the event carries, in its order."""
    windows = [name.removeprefix("corr_") for name in event.values if name.startswith("corr_")]
    return tuple(correlation_row(event, int(window)) for window in windows if window.isdigit())


def ratio_rows(event: DivergenceEvent, lead: str, other: str) -> tuple[Row, ...]:
    """Return where the ratio lies among the 90 sessions before."""
    ratio, mean = event.values.get("log_ratio"), event.values.get("mean_90")
    gap = None if ratio is None or mean is None else ratio - mean
    return (
        Row(
            name=f"{lead}/{other} against its average",
            value=log_return(gap),
            note="of the 90 sessions before",
        ),
        Row(
            name="Percentile, 90 sessions",
            value=percent(event.values.get("pctl_90")),
            note="share of sessions with a lower ratio",
        ),
    )


def forecast_rows(event: DivergenceEvent) -> tuple[Row, ...]:
    """Return what is expected of the next close; empty for an event that a close decided."""
    expected, spread = event.values.get("z_90_expected"), event.values.get("z_90_spread")
    if event.probability is None:
        return ()
    return (
        Row(
            name="Probability at the next close",
            value=format_probability(event.probability),
            note="that the close is at the level or beyond",
        ),
        *(
            (
                Row(
                    name="z-score expected then",
                    value=signed(expected),
                    note=f"standard deviation {number(spread)}",
                ),
            )
            if expected is not None
            else ()
        ),
    )


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
    """Return the estimates of the hedge; none for a data fault, and for a test that carries none."""
    hedge = event.hedge
    is_known = any(getattr(hedge, each.name).value is not None for each in fields(Hedge))
    if not event.kind.is_market or (event.type is Transition.TEST and not is_known):
        return ()
    return (
        _hedge_row(
            "Hedge ratio",
            hedge.ratio,
            note=f"units of {lead} per unit of {other} that minimise the variance; least squares",
        ),
        _hedge_row(
            "Hedge ratio, total",
            hedge.ratio_tls,
            note="the same, allowing for noise in both legs; total least squares",
        ),
        _hedge_row(
            "Hedge ratio, now",
            hedge.ratio_kalman,
            note="the same, following its changes; Kalman filter",
        ),
        _hedge_row(
            "Beta",
            hedge.beta,
            note=f"percent by which {lead} moves when {other} moves by 1%",
        ),
        _hedge_row(
            "Hedge effectiveness",
            hedge.effectiveness,
            show=percent,
            note=f"share of {other}'s variance that the hedge removed, out of sample",
        ),
        _hedge_row(
            "Correlation in stress",
            hedge.stress_corr,
            note=f"in the sessions in which {other} fell most",
        ),
    )


def _hedge_row(name: str, value: Estimate, *, note: str, show: Callable[[float | None], str] = number) -> Row:
    row = estimate_row(name, value, note=note, show=show)
    # Total least squares has no interval where the line could be vertical: a bare value would look certain.
    return row if value.value is None or row.interval else replace(row, interval=NO_INTERVAL)


def time_rows(event: DivergenceEvent) -> tuple[Row, ...]:
    """Return when it opened, the time of this event, and until when it is valid."""
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
