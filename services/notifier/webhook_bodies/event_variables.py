"""What the expressions of a template know about an event."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from services.notifier.render.view import view_of
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition


# One event goes to many subscriptions at a time, and every example to every template.
@lru_cache(maxsize=256)
def event_variables(event: bytes, *, public_url: str) -> Mapping[str, Any]:
    """Return the variables of an event, which nothing changes.

    ========== ======================================================================
    variable   value
    ========== ======================================================================
    event      the event, every field of it
    summary    what happened in one line, as in the subject of a mail
    link       URL of the pair's page; empty if the event has none
    is_end     whether the divergence ends with the event
    is_test    whether somebody ran ``convex test-fire``, and nothing happened
    ========== ======================================================================

    Parameters
    ----------
    event
        As it was published.
    public_url
        Address of the dashboard.
    """
    decoded = DIVERGENCES.decode(event)
    view = view_of(decoded, public_url=public_url)
    return {
        "event": orjson.loads(event),
        "summary": " ".join(view.subject.split()),
        "link": view.link or "",
        "is_end": decoded.type.is_final,
        "is_test": decoded.type is Transition.TEST,
    }
