"""Why a statistic is None, in words: a page never shows a gap without its reason."""

from typing import Final

# Aligned sessions that each statistic needs; a return needs one session more than it counts.
SESSIONS_NEEDED: Final = {
    "log_ratio": 1,
    "z_90": 91,
    "mean_90": 91,
    "std_90": 91,
    "pctl_90": 91,
    "corr_20": 21,
    "corr_60": 61,
    "corr_90": 91,
    "corr_252": 253,
    "spearman_60": 61,
    "ewm_corr_20": 61,
    "beta_60": 61,
    "hedge_ratio_60": 61,
    "hedge_effectiveness_60": 121,
    "vol_lead_20": 21,
    "vol_other_20": 21,
    "lead_lag_120": 121,
    "stress_corr_252": 253,
    "half_life_252": 252,
    **{f"corr_ci_{size}_{end}": size + 1 for size in (20, 60, 90, 252) for end in ("low", "high")},
    **{f"n_eff_{size}": size + 1 for size in (20, 60, 90, 252)},
    "fisher_z": 253,
    "corr_change": 253,
    "opposite_moves": 91,
    "return_5_lead": 6,
    "return_5_other": 6,
    "return_gap_std_90": 91,
    "lead_lag_corr_120": 121,
    "lead_lag_band_120": 121,
    "coint_p_252": 252,
    **dict.fromkeys(("e_break", "e_tightening", "e_loosening"), 62),
    "agreement_60": 121,
}
_FLAT_RATIO: Final = (
    "the ratio was flat in this window: its standard deviation was at most 0.000001, the rounding of prices"
)
_FORMULA: Final = {
    **dict.fromkeys(("z_90", "mean_90", "std_90"), _FLAT_RATIO),
    "stress_corr_252": "fewer than 20 sessions of stress in the window, or a leg did not move in them",
    "half_life_252": "the ratio does not return to a mean in this window",
    "fisher_z": "a leg did not move in one of the windows, or one correlation is exactly 1 or −1",
    "opposite_moves": "the legs moved as one in this window, but for the rounding of prices",
    "coint_p_252": "a leg did not move in this window, or the legs moved so nearly in line that nothing is "
    "left to test",
    "agreement_60": "a leg moved as its mean in every session of this window",
}
_NEED_A_BASELINE: Final = ("e_break", "e_tightening", "e_loosening", "agreement_low", "agreement_high")


def why_undefined(name: str, sessions: int, *, has_baseline: bool = True) -> str:
    """Return why a statistic is None with that many aligned sessions.

    Parameters
    ----------
    has_baseline
        Whether the pair states how often its legs agree.

    Examples
    --------
    >>> why_undefined("z_90", 57)
    'warming up: 57 of 91 sessions'
    >>> why_undefined("corr_60", 300)
    'a leg did not move in this window'
    >>> why_undefined("e_break", 57, has_baseline=False)
    'the pair states no baseline: agreement_low and agreement_high'
    """
    if not has_baseline and name in _NEED_A_BASELINE:
        return "the pair states no baseline: agreement_low and agreement_high"
    needed = SESSIONS_NEEDED.get(name, 0)
    if sessions < needed:
        return f"warming up: {sessions} of {needed} sessions"
    return _FORMULA.get(name, "a leg did not move in this window")
