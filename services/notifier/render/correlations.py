"""Correlations with their intervals, and how sure the one that decided is."""

from services.notifier.render.telling import Row, estimate_row
from services.notifier.render.wording import estimate, number, signed
from shared.domain.divergences import DivergenceEvent, Estimate


def correlation_row(event: DivergenceEvent, window: int) -> Row:
    """Return the correlation of the last ``window`` sessions, with what is known of its interval."""
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


def sureness(event: DivergenceEvent) -> tuple[str, ...]:
    """Return how sure the deciding correlation is, and how often chance alone would have said the same.

    Returns
    -------
    tuple of str
        Sentences; empty where no correlation decided.
    """
    if event.significance is None:
        return ()
    significance = event.significance
    size = significance.effective_size
    worth = "" if size is None else f", worth {number(size, 0)} independent sessions"
    return (
        f"Correlation {estimate(significance.correlation, signed)}{worth}.",
        _by_chance(significance.false_alarms_per_year),
    )


def _by_chance(per_year: float | None) -> str:
    """Return how often the rule opens though nothing has changed.

    Examples
    --------
    >>> _by_chance(1.34), _by_chance(0.2)[16:]
    ('By chance alone this rule would open 1.3 times a year.', 'this rule would open once in 5 years.')
    """
    if per_year is None:
        return (
            "How often chance alone would open this rule has not been computed for this pair and its levels."
        )
    if per_year <= 0:
        return "Chance alone did not open this rule once when its history was redrawn at random."
    if round(per_year, 1) >= 1:
        return f"By chance alone this rule would open {number(per_year, 1)} times a year."
    years = round(1 / per_year)
    return f"By chance alone this rule would open once {f'in {years:,} years' if years > 1 else 'a year'}."
