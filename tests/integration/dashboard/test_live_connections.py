"""Live connections are bounded, and one that takes nothing is dropped."""

import asyncio
import socket

import httpx
import pytest

from tests.integration.dashboard.site import PATIENCE_SECONDS, Site, served, until


async def test_one_live_connection_too_many_is_refused_and_a_free_place_is_given_again() -> None:
    site = Site(max_streams=1)
    async with served(site) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        path = "/api/v1/pairs/gold-iwm/stream"
        async with client.stream("GET", path) as first:
            assert first.status_code == 200
            assert site.count("streams") == 1.0
            refused = await client.get(path)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
            assert refused.json()["error"].startswith("the limit of 1 live connections")
        await until(lambda: site.count("streams") == 0.0)
        async with client.stream("GET", path) as again:
            assert again.status_code == 200
    assert site.count("streams_refused_total") == 1.0


@pytest.mark.slow
async def test_a_client_that_takes_nothing_is_dropped_while_others_are_served() -> None:
    site = Site(send_timeout_seconds=0.5)
    async with served(site) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        deaf = socket.socket()
        host, port = url.removeprefix("http://").split(":")
        # A small window, so that not megabytes of snapshots fit on the way.
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect((host, int(port)))
        deaf.sendall(b"GET /api/v1/pairs/gold-iwm/stream HTTP/1.1\r\nHost: site\r\n\r\n")
        await until(lambda: site.count("streams") == 1.0)
        async with client.stream("GET", "/api/v1/pairs/gold-iwm/stream") as hearing:
            names: list[str] = []
            hearer = asyncio.create_task(_collect(hearing, names))
            number = 0

            def dropped() -> bool:
                nonlocal number
                number += 1
                site.show(title=f"{number} " + 50_000 * "x")
                return (
                    site.registry.get_sample_value(
                        "convex_dashboard_streams_dropped_total", {"reason": "slow"}
                    )
                    == 1.0
                )

            await until(dropped)
            assert site.count("streams") == 1.0
            before = len(names)
            site.show(title="after")
            await until(lambda: len(names) > before)
            hearer.cancel()
        deaf.close()


async def _collect(answer: httpx.Response, names: list[str]) -> None:
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            names.append(line.removeprefix("event: "))  # noqa: PERF401  read while it grows
