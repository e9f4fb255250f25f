"""The statistic that decided a divergence, as the page shows it beside the divergence."""

from typing import Final

from services.dashboard.core.formatting import DASH, format_plain, format_signed
from shared.domain.divergences import DivergenceEvent, Kind

_STATISTICS: Final = {
    Kind.RATIO_STRETCH: ("z", "z_90"),
    Kind.OPPOSITE_MOVES: ("D", "opposite_moves"),
    Kind.CORRELATION_BREAK: ("Fisher’s z", "fisher_z"),
    Kind.HEDGE_LOST: ("corr 60", "corr_60"),
}
# On the wire a statistic is a number.
_REGIMES: Final[dict[float | None, str]] = {-1.0: "risk on", 0.0: "neutral", 1.0: "risk off"}
# Of a data fault's values these are no causes.
_NO_CAUSE: Final = ("lasted_seconds", "revised_from", "revised_to")
_CAUSES: Final = {
    "stale": "no ticks",
    "bad_ticks": "bad ticks",
    "missing_bar": "missing bar",
    "no_close_sample": "no close",
}


def name_of(kind: Kind) -> str:
    """Return the statistic's name; of the kinds that no statistic is shown of, what is shown instead."""
    if kind is Kind.REGIME_CHANGE:
        return "regime"
    return _STATISTICS[kind][0] if kind in _STATISTICS else "cause"


def value_of(event: DivergenceEvent) -> str:
    """Return the statistic as of an event; of a change both regimes, of a data fault its causes.

    Returns
    -------
    str
        A dash where it is undefined, or no cause is left.
    """
    if event.kind in _STATISTICS:
        return format_signed(event.values.get(_STATISTICS[event.kind][1]))
    if event.kind is Kind.REGIME_CHANGE:
        before, now = (_REGIMES.get(event.values.get(name), DASH) for name in ("regime_before", "regime"))
        return f"{before} → {now}"
    if "revised_to" in event.values:
        before, after = (format_plain(event.values.get(name)) for name in ("revised_from", "revised_to"))
        return f"{before} → {after}"
    causes = [name for name in event.values if name not in _NO_CAUSE]
    return ", ".join(_CAUSES.get(name, name.replace("_", " ")) for name in causes) or DASH
