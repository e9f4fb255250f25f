"""Probes and scrapes are answered whatever else happens."""

import json
import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from shared.health import Check, HealthServer


def _server(live: dict[str, Check] | None = None, ready: dict[str, Check] | None = None) -> HealthServer:
    registry = CollectorRegistry()
    Counter("convex_test_things", "Things.", registry=registry).inc(3)
    return HealthServer(registry, host="127.0.0.1", port=0, live=live or {}, ready=ready or {})


def _get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_metrics_are_served() -> None:
    with _server() as server:
        status, text = _get(server, "/metrics")
    assert status == 200
    assert "convex_test_things_total 3.0" in text


@pytest.mark.parametrize(
    ("path", "live", "ready", "status"),
    [
        ("/healthz", None, None, 200),
        ("/readyz", None, None, 200),
        ("/healthz", None, "no partition yet", 200),
        ("/readyz", None, "no partition yet", 503),
        ("/healthz", "loop stands still", None, 503),
        ("/readyz", "loop stands still", None, 503),
        ("/else", None, None, 404),
    ],
)
def test_what_is_not_live_is_not_ready_and_what_is_not_ready_may_be_live(
    path: str, live: str | None, ready: str | None, status: int
) -> None:
    with _server({"loop": lambda: live}, {"kafka": lambda: ready}) as server:
        answer = _get(server, path)
    assert answer[0] == status
    if status == 503:
        assert (live or ready or "") in answer[1]


def test_a_peer_that_says_nothing_holds_up_neither_the_next_probe_nor_the_stop() -> None:
    """A server that takes one connection at a time would answer nothing more, and never stop."""
    server = _server()
    with server, socket.create_connection(("127.0.0.1", server.port)):
        assert _get(server, "/healthz")[0] == 200


def test_details_are_shown_beside_the_verdict_and_change_none() -> None:
    details = [{"feed": "kraken", "state": "refused"}]
    server = HealthServer(
        CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}, detail={"feeds": lambda: details}
    )
    with server:
        ready, alive = _get(server, "/readyz"), _get(server, "/healthz")
    assert ready[0] == 200
    assert json.loads(ready[1]) == {"status": "ok", "failed": {}, "detail": {"feeds": details}}
    assert json.loads(alive[1]) == {"status": "ok", "failed": {}}


def test_detail_that_fails_takes_no_verdict_with_it() -> None:
    def fail() -> None:
        raise RuntimeError("changed while it was read")

    server = HealthServer(
        CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}, detail={"feeds": fail}
    )
    with server:
        status, body = _get(server, "/readyz")
    assert status == 200
    assert json.loads(body)["detail"] == {"feeds": None}
