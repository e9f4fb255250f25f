"""What the application answers: headers, bounds and refusals."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from shared.domain.pairs import Pair
from tests.integration.dashboard.site import Site
from tests.support.snapshot_builder import PAIR

OTHER = Pair(
    name="oil-xle",
    title="Oil vs XLE",
    lead="WTI/USD.REPLAY",
    other="XLE.REPLAY",
    lead_title="Oil",
    other_title="XLE",
)
STATIC = Path(__file__).parents[3] / "services" / "dashboard" / "static"


PATHS = ["/", "/compare", PAIR.page, "/nowhere", "/api/v1/pairs", "/api/v1/pairs/gold-iwm", "/api/docs"]


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/pairs/nope", "/static/page.css", "/api/openapi.json"])
async def test_every_answer_carries_the_security_headers_and_no_cookie(path: str) -> None:
    async with Site().visited() as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert "set-cookie" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", [*PATHS, "/compare/", "/static", f"{PAIR.page}/"])
async def test_the_host_header_is_never_repeated(path: str) -> None:
    site = Site()
    site.show()
    async with site.visited() as client:
        answer = await client.get(path, headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)


async def test_pages_load_nothing_from_elsewhere_and_have_no_inline_script_or_style() -> None:
    site = Site()
    site.show()
    async with site.visited() as client:
        for path in (PAIR.page, "/compare", "/nowhere", "/api/docs"):
            page = (await client.get(path)).text
            assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) <= _own_addresses(page)
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
            assert re.findall(r"<script[^>]*>", page) in (
                [],
                ['<script src="/static/page.js" type="module">'],
            )
    for file in STATIC.iterdir():
        assert not re.findall(r"https?://(?!www\.w3\.org/)", file.read_text())


async def test_one_pair_is_the_front_page_and_several_are_a_list() -> None:
    async with Site().visited() as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (307, PAIR.page)
    async with Site(pairs=(PAIR, OTHER)).visited() as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert "/compare/gold-vs-iwm" in page.text
    assert "/compare/oil-vs-xle" in page.text
    assert "Waiting for the first snapshot of oil-xle" in page.text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/compare/gold", "/compare/GOLD%3Cscript%3E", "/compare/" + 99 * "a-"]
)
async def test_a_wrong_address_gets_the_list_of_pairs(path: str) -> None:
    async with Site(pairs=(PAIR, OTHER)).visited() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert 'href="/compare/gold-vs-iwm"' in answer.text
    assert 'href="/compare/oil-vs-xle"' in answer.text
    assert "script>" not in answer.text.lower()


async def test_an_unknown_pair_of_the_api_gets_the_known_ones() -> None:
    async with Site().visited() as client:
        answer = await client.get("/api/v1/pairs/oil-xle")
    assert (answer.status_code, answer.json()["pairs"]) == (404, ["gold-iwm"])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=501", "limit: Input should be less than or equal to 500"),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("after=-1", "after: Input should be greater than or equal to 0"),
        ("after=99999999999999999999", "after: Input should be less than or equal to 9007199254740991"),
        ("after=soon", "after: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
async def test_every_parameter_is_bounded_with_one_clear_error(query: str, error: str) -> None:
    async with Site().visited() as client:
        answer = await client.get(f"/api/v1/pairs/gold-iwm/divergences?{query}")
    assert (answer.status_code, answer.json()) == (422, {"error": error})


async def test_a_last_event_id_that_is_no_number_is_refused() -> None:
    async with Site().visited() as client:
        answer = await client.get("/api/v1/pairs/gold-iwm/stream", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 422


async def test_text_from_kafka_is_escaped() -> None:
    site = Site()
    site.show(title="<script>alert(1)</script>")
    async with site.visited() as client:
        page = (await client.get(PAIR.page)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


async def test_head_is_answered_without_a_body() -> None:
    async with Site().visited() as client:
        assert (await client.head(PAIR.page)).status_code == 200


async def test_the_openapi_document_lists_every_route_of_the_api() -> None:
    async with Site().visited() as client:
        paths = (await client.get("/api/openapi.json")).json()["paths"]
        docs = (await client.get("/api/docs")).text
    assert set(paths) == {
        "/api/v1/pairs",
        "/api/v1/pairs/{pair}",
        "/api/v1/pairs/{pair}/divergences",
        "/api/v1/pairs/{pair}/stream",
    }
    assert all(path in docs for path in paths)


def _own_addresses(page: str) -> set[str]:
    return {
        address for address in re.findall(r'(?:src|href)="([^"]*)"', page) if re.match(r"[/#](?!/)", address)
    }


@pytest.mark.parametrize("path", [PAIR.page, "/compare"])
async def test_a_late_snapshot_is_not_called_live(path: str) -> None:
    site = Site()
    async with site.visited() as client:
        for seconds, badge in ((1, "LIVE"), (20, "LIVE 20 s ago"), (3_700, "LIVE 1 h 1 min ago")):
            site.show(published_ms=time.time_ns() // 1_000_000 - seconds * 1_000)
            page = (await client.get(path)).text
            found = re.search(r'<span (class="badge live[^>]*)>(LIVE)<span class="ago">(.*?)</span>', page)
            assert found is not None
            tag, state, ago = found.groups()
            assert state + ago == badge
            assert ("is-late" in tag, "As of the last snapshot" in tag.split("data-")[0]) == (
                seconds > 15,
            ) * 2


async def test_a_page_turns_late_without_any_news() -> None:
    site = Site()
    site.show(published_ms=time.time_ns() // 1_000_000 - 14_500)
    async with site.visited() as client:
        assert "is-late" not in (await client.get(PAIR.page)).text
        await asyncio.sleep(0.7)
        assert 'LIVE<span class="ago"> 15 s ago' in (await client.get(PAIR.page)).text
