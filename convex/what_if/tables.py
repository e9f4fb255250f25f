"""The comparison as one JSON object, and its openings as CSV."""

import csv
import io
from typing import Any, Final

from convex.what_if.comparison import Compared
from convex.what_if.episode import Episode
from convex.what_if.outcomes import SHOWN
from convex.what_if.page import headline
from convex.what_if.result import OfKind, Side, WhatIf

COLUMNS: Final = (
    *("kind", "direction", "place", "later_by_seconds", "is_open_elsewhere"),
    *(
        f"{side}_{name}"
        for side in ("present", "new")
        for name in (
            *("event_id", "opened_at", "ended_at", "end", "severity", "confirmation", "seconds"),
            *(f"hit_{horizon}" for horizon in SHOWN),
        )
    ),
)


def csv_bytes(found: WhatIf) -> bytes:
    """Return one row for each opening; an empty field is not known, or the rules do not have the opening."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(each, found) for each in found.compared)
    return text.getvalue().encode()


def as_object(found: WhatIf) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    runs = found.runs
    return {
        "headline": headline(found),
        "pair": runs.pair.name,
        "present": runs.present.name,
        "new": runs.new.name,
        "log": runs.source,
        "sessions": len(runs.sessions),
        "first_session": runs.sessions[0],
        "last_session": runs.sessions[-1],
        "kinds": [_kind(each) for each in found.kinds],
        "suppressed": {"present": dict(runs.present.suppressed), "new": dict(runs.new.suppressed)},
        "outcomes": [
            {
                "rules": "new" if each.is_new else "present",
                "kind": each.summary.kind.value,
                "direction": each.summary.direction.value,
                "horizon_sessions": each.summary.horizon_sessions,
                "count": each.summary.count,
                "hits": each.summary.hits,
                "hit_rate": each.summary.hit_rate.value,
                "low": each.summary.hit_rate.low,
                "high": each.summary.hit_rate.high,
                "usual_rate": each.summary.usual_rate,
            }
            for each in found.outcomes
        ],
        "openings": [_row(each, found) for each in found.compared],
    }


def _kind(each: OfKind) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "changed": [{"field": name, "present": before, "new": after} for name, before, after in each.changed],
        "present": _side(each.present),
        "new": _side(each.new),
        **{place.value: count for place, count in each.places.items()},
        "severity_changes": each.severity_changes,
    }


def _side(side: Side) -> dict[str, Any]:
    chance = side.by_chance
    return {
        "is_on": side.is_on,
        "count": side.count,
        "per_year": side.per_year,
        "critical": side.critical,
        "median_seconds": side.median_seconds,
        "by_chance_per_year": None if chance is None else chance.per_year,
        "by_chance_low": None if chance is None else chance.low,
        "by_chance_high": None if chance is None else chance.high,
    }


def _row(each: Compared, found: WhatIf) -> dict[str, Any]:
    return {
        "kind": each.either.key[0].value,
        "direction": each.either.key[1].value,
        "place": each.place.value,
        "later_by_seconds": each.later_by_seconds,
        "is_open_elsewhere": each.is_open_elsewhere,
        **_episode("present", each.present, found),
        **_episode("new", each.new, found),
    }


def _episode(side: str, episode: Episode | None, found: WhatIf) -> dict[str, Any]:
    names = [name for name in COLUMNS if name.startswith(f"{side}_")]
    if episode is None:
        return dict.fromkeys(names)
    hits = found.hits[episode.opened.event_id]
    ended = episode.ended
    values = (
        episode.opened.event_id,
        episode.opened.occurred_at,
        None if ended is None else ended.occurred_at,
        None if ended is None else ended.type.value,
        episode.severity.value,
        episode.opened.confirmation.value,
        episode.seconds,
        *(hits[horizon] for horizon in SHOWN),
    )
    return dict(zip(names, values, strict=True))
