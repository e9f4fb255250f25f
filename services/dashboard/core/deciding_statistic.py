"""The statistic that decided a divergence, as the page shows it beside the divergence."""

from typing import Final

from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.kinds import KIND_TRAITS
from shared.text.data_faults import causes_among, describe_cause
from shared.text.divergences import describe_regime, format_statistic
from shared.text.numbers import DASH, format_price

# The name on the page, and the name in an event's values.
_STATISTICS: Final = {
    Kind.RATIO_STRETCH: ("z", "z_90"),
    Kind.OPPOSITE_MOVES: ("D", "opposite_moves"),
    Kind.CORRELATION_BREAK: ("Fisher’s z", "fisher_z"),
    Kind.HEDGE_LOST: ("correlation, 60", "corr_60"),
    Kind.EVIDENCE_BREAK: ("e-value", "e_break"),
}


def name_of(kind: Kind) -> str:
    """Return the name of the statistic, or of what is shown for a kind that no statistic decides."""
    if kind is Kind.REGIME_CHANGE:
        return "regime"
    return _STATISTICS[kind][0] if kind in _STATISTICS else "cause"


def value_of(event: DivergenceEvent) -> str:
    """Return the statistic at an event: both regimes of a regime change, the causes of a data fault.

    Returns
    -------
    str
        A dash where the statistic is undefined, or no cause is left.
    """
    if event.kind in _STATISTICS:
        name = KIND_TRAITS[event.kind].statistics.get(event.direction, _STATISTICS[event.kind][1])
        return format_statistic(event.kind, event.values.get(name))
    if event.kind is Kind.REGIME_CHANGE:
        return _change_of(*(describe_regime(event.values.get(name)) for name in ("regime_before", "regime")))
    if "revised_to" in event.values:
        return _change_of(*(format_price(event.values.get(name)) for name in ("revised_from", "revised_to")))
    return ", ".join(describe_cause(name).name for name in causes_among(event.values)) or DASH


def _change_of(before: str, after: str) -> str:
    return f"{before} → {after}"
