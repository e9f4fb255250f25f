"""One explanation as a JSON object: the whole page, and every value of the window."""

from dataclasses import asdict
from typing import Any

from convex.explain.explanation import Explanation
from convex.explain.wording import chance_of, outlook_of


def as_object(explanation: Explanation) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    material, working, market = explanation.material, explanation.working, explanation.market
    window = working.window if working is not None else None
    return {
        "event_id": material.event.event_id,
        "comes_out": explanation.comes_out,
        "found_in": material.where,
        "decided_by": material.origin or None,
        "kind": material.event.kind.value,
        "type": material.event.type.value,
        "sentence": working.sentence if working is not None else None,
        "missing": asdict(explanation.missing) if explanation.missing is not None else None,
        "bars_from": market.source if market is not None else None,
        "ticks": len(material.prices.lead.ts_ns),
        "window": None
        if window is None
        else {
            "title": window.title,
            "values": list(window.hashed),
            "sha256": explanation.window_sha256,
            "event_sha256": material.event.evidence.window_sha256,
            "is_same": explanation.is_same_window,
        },
        "working": [asdict(line) for line in working.lines] if working is not None else [],
        "conclusion": [asdict(conclusion) for conclusion in working.conclusions]
        if working is not None
        else [],
        "next_close": outlook_of(material.event) or None,
        "by_chance": list(chance_of(material.event)),
        "numbers": [{**asdict(check), "comes_out": check.comes_out} for check in explanation.checks],
        "not_computed_again": list(explanation.unchecked),
    }
