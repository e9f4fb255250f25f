"""Where the webhooks of every contestant go: note when each was answered."""

import time
from collections.abc import Callable
from typing import Any, Self

import orjson
from aiohttp import web
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + "Y29udmV4LWJlbmNobWFyay1zZWNyZXQtMzItYnl0ZXM="


class Receiver:
    """Verify, answer 204, and remember the price that each webhook is about."""

    def __init__(self) -> None:
        self.answered_ns: dict[float, int] = {}
        self.refused = 0
        self._verifier = Webhook(SECRET)

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/system", self._take_event)
        application.router.add_post("/bare", self._take_frame)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def url(self, name: str) -> str:
        """Return where a contestant posts."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/{name}"

    async def _take_event(self, request: web.Request) -> web.Response:
        return await self._take(request, lambda body: body["legs"][0]["price"])

    async def _take_frame(self, request: web.Request) -> web.Response:
        return await self._take(request, lambda body: body["data"][0]["bid"])

    async def _take(self, request: web.Request, price_of: Callable[[Any], float]) -> web.Response:
        body = await request.read()
        try:
            self._verifier.verify(body, dict(request.headers))
        except Exception:
            self.refused += 1
            return web.Response(status=401)
        response = web.Response(status=204)
        await response.prepare(request)
        await response.write_eof()
        self.answered_ns.setdefault(float(price_of(orjson.loads(body))), time.time_ns())
        return response
