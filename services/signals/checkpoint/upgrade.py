"""Checkpoints of older versions as the present one, version 6.

======= ==========================================================================
from    what changes
======= ==========================================================================
2 to 3  the same content under other names of the fields
3 to 4  each leg also has its quarantined bars; a worker of version 3 had none. The
        scores of past openings are dropped: they started at the close before the
        opening was reported, and are computed again for the openings that the
        windows reach
4 to 5  the same content. Which feed is authoritative, what the ingestor reported,
        when a divergence ended and whether event time is in doubt are not known:
        each of these fields has its default
5 to 6  the same content. Nothing was collected for a proof: the first one begins
        with the first record that is applied after the upgrade
======= ==========================================================================

A worker of this version may start on a topic written by a worker of an older version. It must read those
checkpoints: the log cannot replace them once its old records have expired. Without them the sequence of a
pair would begin again at 1, and a divergence that was open would never be closed.
"""

from collections.abc import Mapping
from typing import Any, Final

UPGRADED_VERSIONS: Final = (2, 3, 4, 5)
"""The older versions that are read."""

_VERSION_2, _VERSION_3 = UPGRADED_VERSIONS[:2]

_CHECKPOINT: Final = {"is_left": "is_retired"}
_PAIR: Final = {"lives": "divergences", "told_regime": "reported_regime", "watch": "data_quality"}
_DIVERGENCE: Final = {
    "counts": "transition_counts",
    "cooldown_left": "cooldown_sessions_left",
    "cooldown_spares_closes": "cooldown_provisional_only",
    "states": "recent_states",
    "noted_at_ns": "state_recorded_at_ns",
}
_LEDGER: Final = {"owed_until": "backfill_until"}
_DATA_QUALITY: Final = {
    "since": "active_since_ns",
    "refused_ns": "rejected_at_ns",
    "wanted": "awaited_sessions",
}
_NOTHING_QUARANTINED: Final = {"quarantined": [], "quarantined_count": 0}
_LEAD: Final = {"time": "progress", "tapes": "last_prices", "watch": "data_quality"}
_PROGRESS: Final = {"closes_seen": "next_close"}
_LAST_PRICE: Final = {
    "suspect": "jump_price",
    "suspects": "jump_count",
    "refused_ts_ns": "rejected_ts_ns",
}


def upgrade_pair(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pair's checkpoint of an older version as the present one.

    A value that does not have the shape of its version is left as it is; the contract refuses it.

    Examples
    --------
    >>> upgrade_pair({"v": 2, "applied_offset": 41, "is_left": False, "pair": {"told_regime": "NEUTRAL"}})
    {'v': 6, 'applied_offset': 41, 'is_retired': False, 'pair': {'reported_regime': 'NEUTRAL'}}
    """
    version = checkpoint["v"]
    upgraded = dict(_pair_to_3(checkpoint) if version == _VERSION_2 else checkpoint)
    if version <= _VERSION_3:
        upgraded = _to_4(upgraded, "pair")
        pair = upgraded.get("pair")
        if isinstance(pair, dict) and isinstance(pair.get("ledger"), dict):
            upgraded["pair"] = {**pair, "ledger": _without_scores(pair["ledger"])}
    return _to_6(upgraded)


def upgrade_lead(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lead's checkpoint of an older version as the present one.

    Examples
    --------
    >>> upgrade_lead({"v": 2, "applied_offset": 41, "lead": {"time": {"watermark_ns": 7, "closes_seen": 3}}})
    {'v': 6, 'applied_offset': 41, 'lead': {'progress': {'watermark_ns': 7, 'next_close': 3}}}
    >>> upgrade_lead({"v": 3, "lead": {"data_quality": {"stale_since_ns": None}}})["lead"]
    {'data_quality': {'stale_since_ns': None, 'quarantined': [], 'quarantined_count': 0}}
    """
    version = checkpoint["v"]
    upgraded = dict(_lead_to_3(checkpoint) if version == _VERSION_2 else checkpoint)
    if version <= _VERSION_3:
        upgraded = _to_4(upgraded, "lead")
    return _to_6(upgraded)


def _pair_to_3(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    renamed: dict[str, Any] = _renamed(dict(checkpoint), _CHECKPOINT)
    pair = renamed["pair"] = _renamed(renamed.get("pair"), _PAIR)
    _rename_each_in(pair, "divergences", _DIVERGENCE)
    _rename_in(pair, "ledger", _LEDGER)
    _rename_in(pair, "data_quality", _DATA_QUALITY)
    return renamed


def _lead_to_3(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    renamed = dict(checkpoint)
    lead = renamed["lead"] = _renamed(renamed.get("lead"), _LEAD)
    _rename_in(lead, "progress", _PROGRESS)
    _rename_each_in(lead, "last_prices", _LAST_PRICE)
    _rename_in(lead, "data_quality", _DATA_QUALITY)
    return renamed


def _to_4(checkpoint: Mapping[str, Any], owner: str) -> dict[str, Any]:
    upgraded = dict(checkpoint)
    state = upgraded.get(owner)
    if isinstance(state, dict) and isinstance(state.get("data_quality"), dict):
        upgraded[owner] = {**state, "data_quality": state["data_quality"] | _NOTHING_QUARANTINED}
    return upgraded


def _to_6(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    # What versions 4 and 5 did not have, the contract fills with its defaults.
    return {**checkpoint, "v": UPGRADED_VERSIONS[-1] + 1}


def _without_scores(ledger: Mapping[str, Any]) -> dict[str, Any]:
    openings = ledger.get("openings")
    if not isinstance(openings, list):
        return dict(ledger)
    return {
        **ledger,
        "openings": [{**each, "scores": []} if isinstance(each, dict) else each for each in openings],
    }


def _rename_in(fields: Any, name: str, names: Mapping[str, str]) -> None:
    if isinstance(fields, dict) and name in fields:
        fields[name] = _renamed(fields[name], names)


def _rename_each_in(fields: Any, name: str, names: Mapping[str, str]) -> None:
    if isinstance(fields, dict) and isinstance(fields.get(name), dict):
        fields[name] = {key: _renamed(value, names) for key, value in fields[name].items()}


def _renamed(fields: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(fields, dict):
        return fields
    return {names.get(name, name): value for name, value in fields.items()}
