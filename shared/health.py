"""``/metrics``, ``/healthz`` and ``/readyz``, served from a thread so that a blocked loop still answers."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

# A check returns None when all is well, else a sentence for the operator.
Check = Callable[[], str | None]
# What an operator may want to see beside the verdict: anything that JSON can hold.
Detail = Callable[[], Any]


class HealthServer:
    """Answer probes and scrapes until stopped.

    Parameters
    ----------
    registry
        What ``/metrics`` shows.
    live, ready
        Checks by name, run on each request from another thread: they must be quick and read only. If a
        ``live`` check fails, the supervisor should restart the service; if a ``ready`` check fails, wait.
    detail
        What ``/readyz`` shows beside its verdict, by name; it changes no verdict. Run like a check.

    Examples
    --------
    >>> import urllib.request
    >>> with HealthServer(CollectorRegistry(), host="127.0.0.1", port=0, live={}, ready={}) as server:
    ...     urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz").read()
    b'{"status": "ok", "failed": {}}'
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        live: dict[str, Check],
        ready: dict[str, Check],
        detail: Mapping[str, Detail] | None = None,
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._checks = {"/healthz": live, "/readyz": {**live, **ready}}
        self._detail = detail or {}
        self._server = make_server(host, port, self._answer, _Server, _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            page: Iterable[bytes] = self._metrics(environ, start_response)
            return page
        checks = self._checks.get(path)
        if checks is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found: try /metrics, /healthz or /readyz\n"]
        failed = {name: problem for name, check in checks.items() if (problem := check()) is not None}
        answer: dict[str, Any] = {"status": "failed" if failed else "ok", "failed": failed}
        if path == "/readyz" and self._detail:
            answer["detail"] = {name: _shown(detail) for name, detail in self._detail.items()}
        body = json.dumps(answer).encode()
        status = "503 Service Unavailable" if failed else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [body]


def _shown(detail: Detail) -> Any:
    """Return a detail; None if it changed while it was read, for the verdict must not depend on it."""
    try:
        return detail()
    except Exception:
        return None


class _Server(ThreadingMixIn, WSGIServer):
    # A peer that connects and sends nothing must hold up neither the next probe nor the stop.
    daemon_threads = True
    block_on_close = False


class _Handler(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Log nothing: there is a probe every second."""
