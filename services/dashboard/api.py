"""The API for programs: pairs, snapshots, divergences, and a stream of both."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import orjson
from fastapi import FastAPI, Header, Path, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.dashboard.core.divergence_episodes import open_events
from services.dashboard.streams import StreamResponse, Streams, event_bytes
from services.dashboard.view import PairsView, PublishedSnapshot
from shared.domain.instants import format_rfc3339
from shared.domain.pairs import Pair

_MAX_SEQUENCE: Final = 2**53 - 1
_MAX_LIMIT: Final = 500
_EVENTS_AT_ONCE: Final = 100

Name = Annotated[
    str, Path(max_length=100, pattern="^[a-z0-9-]+$", description="A pair's name, such as gold-iwm.")
]
After = Annotated[
    int,
    Query(
        ge=0, le=_MAX_SEQUENCE, description="Only events with a higher sequence; 0 returns all that are kept."
    ),
]
Limit = Annotated[int, Query(ge=1, le=_MAX_LIMIT, description="Largest number of events in one answer.")]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=20,
        pattern="^[0-9]*$",
        description="The last sequence that the client has; later events are sent first. Browsers set it.",
    ),
]


def add_api(web: FastAPI, view: PairsView, *, streams: Streams, why_waiting: Callable[[Pair], str]) -> None:
    """Add the routes under ``/api/v1``."""
    by_name = {pair.name: pair for pair in view.pairs}

    def known(name: str) -> Pair:
        pair = by_name.get(name)
        if pair is None:
            raise HTTPException(404, detail="no such pair; the known ones are in pairs")
        return pair

    @web.get("/api/v1/pairs", tags=["pairs"], summary="The pairs that this installation watches")
    async def list_pairs() -> Response:
        return _json(
            {"pairs": [_head(pair, view.latest(pair.name), why_waiting(pair)) for pair in view.pairs]}
        )

    @web.get("/api/v1/pairs/{pair}", tags=["pairs"], summary="A pair's latest snapshot and what is open")
    async def show_pair(pair: Name) -> Response:
        one = known(pair)
        latest = view.latest(one.name)
        values = {published.event.event_id: published.value for published in view.events(one.name)}
        still_open = open_events(published.event for published in view.events(one.name))
        return _json(
            _head(one, latest, why_waiting(one))
            | {
                "snapshot": None if latest is None else orjson.Fragment(latest.value),
                "open": [orjson.Fragment(values[event.event_id]) for event in still_open],
            }
        )

    @web.get("/api/v1/pairs/{pair}/divergences", tags=["pairs"], summary="Divergence events, oldest first")
    async def list_divergences(pair: Name, after: After = 0, limit: Limit = 100) -> Response:
        one = known(pair)
        events = view.events_after(one.name, after, limit=limit)
        kept = view.events(one.name)
        last = events[-1].event.sequence if events else after
        return _json(
            {
                "pair": one.name,
                "events": [orjson.Fragment(published.value) for published in events],
                "next_after": last,
                "has_more": bool(view.events_after(one.name, last, limit=1)),
                "oldest_kept": kept[0].event.sequence if kept else None,
            }
        )

    @web.get(
        "/api/v1/pairs/{pair}/stream",
        tags=["pairs"],
        summary="Server-sent events: snapshot, divergence, gap; a comment is a heartbeat",
        responses={200: {"content": {"text/event-stream": {}}}, 503: {"description": "Too many connections"}},
        response_class=Response,
    )
    async def stream_pair(pair: Name, last_event_id: LastEventId = None) -> Response:
        one = known(pair)
        streams.refuse_when_full()
        after = int(last_event_id) if last_event_id else None
        return StreamResponse(streams, one.name, PairSource(view, one.name, after=after))


class PairSource:
    """What a live connection of the API is sent: ``snapshot`` and ``divergence`` events.

    The data are the JSON of the contracts. Where divergence events that the client has not got are no longer
    kept, a ``gap`` event says so.

    Parameters
    ----------
    after
        The client has the divergence events up to this sequence; None where it wants only future ones.
    """

    def __init__(self, view: PairsView, pair: str, *, after: int | None) -> None:
        self._view = view
        self._pair = pair
        self._after = view.last_sequence(pair) if after is None else after
        self._shown: PublishedSnapshot | None = None

    def pending(self) -> bytes:
        """Return the events since the last call."""
        parts = []
        for one in self._view.events_after(self._pair, self._after, limit=_EVENTS_AT_ONCE):
            sequence = one.event.sequence
            if sequence != self._after + 1:
                parts.append(event_bytes("gap", orjson.dumps({"after": self._after, "next": sequence})))
            parts.append(b"id: %d\n" % sequence + event_bytes("divergence", one.value))
            self._after = sequence
        latest = self._view.latest(self._pair)
        if latest is not None and latest is not self._shown:
            self._shown = latest
            parts.append(event_bytes("snapshot", latest.value))
        return b"".join(parts)

    def heartbeat(self) -> bytes:
        """Return a comment."""
        return b": beat\n\n"


def _head(pair: Pair, latest: PublishedSnapshot | None, waiting: str) -> dict[str, Any]:
    return {
        "pair": pair.name,
        "title": pair.title,
        "page": pair.page,
        "is_simulated": pair.is_simulated,
        "is_proxy": pair.is_proxy,
        "published_at": None if latest is None else format_rfc3339(latest.published_ms * 1_000_000),
        "waiting": waiting or None,
    }


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
